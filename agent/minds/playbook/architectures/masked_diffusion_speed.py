"""Masked diffusion writes faster than autoregression, at matched quality."""

from __future__ import annotations

from pydantic import JsonValue

from agent.minds.playbook.architectures import speed_arms
from agent.minds.playbook.family import Idea, Setting, family

PER_PASS = 8
"""Characters that a pass over the whole text fills in."""


@family(
    "masked_diffusion_speed",
    domain="architectures",
    keywords="masked diffusion language model LLaDA MDLM Dream Mercury inference decoding",
    prior=(1.0, 2.0),
    links={"block_diffusion_speed": 0.5},
    meaning={
        "supported": "Filling in the whole text at once saves at least the predicted time on "
        "average, although every pair without matched quality counts as no speed-up at all.",
        "refuted": "Counted at matched quality, filling in the whole text at once saves less time "
        "than was predicted. A pass that reads everything anew, or text that is not good enough, "
        "may be the reason; the table of what was timed tells which.",
        "inconclusive": "How much time filling in the whole text saves at matched quality is not "
        "settled by these pairs.",
    },
)
def masked_diffusion_speed(at: Setting) -> Idea | None:
    """Masked diffusion over the whole text against the same architecture from left to right."""
    if not speed_arms.applies(at):
        return None
    body = speed_arms.plain_mixed_body(at)
    filling: dict[str, JsonValue] = {"name": "masked_diffusion", "parameters": {}}
    return Idea(
        title="Masked diffusion writes faster at equal quality",
        statement=(
            "Trained for as many steps, the same architecture should write a single sequence of "
            "characters faster when it fills in hidden characters anywhere in it, several with "
            "each pass, than when it writes from left to right with a cache, with text that is no "
            "worse."
        ),
        rationale=(
            "A masked diffusion model needs as many passes as its writer allows, not as many as "
            "there are tokens, and large ones are reported to be as capable as autoregressive "
            "models {{citep:nie2025llada,sahoo2024mdlm}}. But a pass keeps nothing of the one "
            "before it, and tokens that are filled in together are chosen apart."
        ),
        prediction="masked diffusion - repeated timing of attention >= 0.50 times its speed",
        refuted_by="the mean difference is below 0.50 and the exact test says so",
        cites=("nie2025llada", "sahoo2024mdlm"),
        treatment=(
            speed_arms.against(
                at,
                "masked-diffusion-writing",
                "Masked diffusion as writer",
                body,
                body,
                objective=filling,
                per_pass=PER_PASS,
                order="random",
            ),
        ),
        control=(speed_arms.mixed_attention_again(at),),
        metric="speedup_batch_1",
        predicted_effect=0.5,
    )
