"""Block diffusion writes several times as fast as autoregression, at matched quality."""

from __future__ import annotations

from pydantic import JsonValue

from agent.minds.playbook.architectures import speed_arms
from agent.minds.playbook.family import Idea, Setting, family

BLOCK, PER_PASS = 16, 8
"""Characters of a block, and those that a pass fills in: over five times fewer passes."""


@family(
    "block_diffusion_speed",
    domain="architectures",
    keywords="block diffusion language model BD3 Mercury inference decoding throughput",
    prior=(1.0, 2.0),
    meaning={
        "supported": "At this block size and context, writing in blocks saves at least the "
        "predicted time on average, although every pair without matched quality counts as no "
        "speed-up at all.",
        "refuted": "Counted at matched quality, writing in blocks saves less time than was "
        "predicted. Whether the contender is slow or its text is not good enough, the table of "
        "what was timed tells.",
        "inconclusive": "Whether writing in blocks is as fast as predicted at matched quality "
        "remains undecided.",
    },
)
def block_diffusion_speed(at: Setting) -> Idea | None:
    """Block diffusion against the same architecture that writes from left to right."""
    if not speed_arms.applies(at):
        return None
    body = speed_arms.plain_mixed_body(at)
    filling: dict[str, JsonValue] = {"name": "block_diffusion", "parameters": {"size": BLOCK}}
    return Idea(
        title="Block diffusion writes several times as fast at equal quality",
        statement=(
            "Trained for as many steps, the same architecture should write a sequence of "
            "characters several times as fast when it fills in blocks by diffusion as when it "
            "writes from left to right with a cache, with text that is no worse."
        ),
        rationale=(
            "Diffusion language models fill in several tokens with each pass, and speeds of "
            "several times those of autoregressive models are reported for them "
            "{{citep:khanna2025mercury,arriola2025block}}. Whether their text is as good at that "
            "speed is seldom measured beside it."
        ),
        prediction="block diffusion - repeated timing of attention >= 3.00 times its speed",
        refuted_by="the mean difference is below 3.00 and the exact test says so",
        cites=("khanna2025mercury", "arriola2025block"),
        treatment=(
            speed_arms.against(
                at,
                "block-diffusion-writing",
                "Block diffusion as writer",
                body,
                body,
                objective=filling,
                per_pass=PER_PASS,
            ),
        ),
        control=(speed_arms.mixed_attention_again(at),),
        metric="speedup_batch_1",
        predicted_effect=3.0,
    )
