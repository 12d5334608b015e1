"""Attention within a window writes faster after a long text, and no worse."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms, speed_arms
from agent.minds.playbook.family import Idea, Setting, family

REACH = 16
"""Characters that the window holds."""


@family(
    "windowed_decoding",
    domain="architectures",
    keywords="inference decoding speed throughput latency sliding window faster",
    prior=(1.5, 1.0),
    links={"recurrent_decoding": 0.5},
    meaning={
        "supported": "Reading no more than a short window saves at least the predicted time at "
        "matched quality, on this text and within the length that was trained on.",
        "refuted": "Once pairs without matched quality count as no speed-up, a window saves less "
        "time than was predicted.",
        "inconclusive": "Whether a window saves time at matched quality is left undecided.",
    },
)
def windowed_decoding(at: Setting) -> Idea | None:
    """Attention in a window against attention over everything, timed after a long context."""
    if not speed_arms.applies(at):
        return None
    one = arms.layer("softmax_attention", window=REACH)
    return Idea(
        title="A window lets attention write faster after a long text",
        statement=(
            "After a context much longer than the texts it is trained on, attention within a "
            "short window should write many sequences at once faster than attention over the "
            f"whole past, with no worse knowledge of unseen text {speed_arms.WHERE}."
        ),
        rationale=(
            "A window bounds what is kept and read at each step, and characters are foretold "
            "mostly by those just before them; models with windows are reported to lose little "
            "{{citep:de2024griffin,ren2024samba}}."
        ),
        prediction="windowed attention - repeated timing of attention >= 0.20 times its speed",
        refuted_by="the mean difference is below 0.20 and the exact test says so",
        cites=("de2024griffin", "ren2024samba"),
        treatment=(
            speed_arms.against(
                at,
                "window-writing",
                "Windowed attention as writer",
                arms.of(at, one, one),
                arms.attention_body(at),
            ),
        ),
        control=(speed_arms.attention_again(at),),
        metric="speedup_batch_16",
        predicted_effect=0.2,
    )
