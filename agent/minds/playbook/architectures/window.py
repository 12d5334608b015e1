"""Attention within a window shorter than the gap fails."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "window",
    domain="architectures",
    keywords="sliding window local attention",
    prior=(3.0, 1.0),
    meaning={
        "supported": "A window shorter than the gap loses at least what was predicted, as it "
        "should on a task that asks for memory over the gap.",
        "refuted": "A short window loses less than was predicted. Either the task asks for less "
        "memory over the gap than was assumed, or attention over the whole past makes little use "
        "of it.",
        "inconclusive": "How much a short window costs on this task has not been determined.",
    },
)
def window(at: Setting) -> Idea | None:
    """Attention over everything against attention within a short window."""
    reach = arms.pairs(at) // 2
    if reach < 2:
        return None
    one = arms.layer("softmax_attention", window=reach)
    return Idea(
        title="A window shorter than the gap forgets",
        statement=(
            f"Attention over the whole past should be more accurate {arms.where(at)} than "
            "attention within a window much shorter than the gaps between what is stored and what "
            "is asked."
        ),
        rationale=(
            "A window passes nothing on from beyond its reach, which grows only with the layers; "
            "models with windows therefore add a recurrence {{citep:de2024griffin,ren2024samba}}."
        ),
        prediction="attention with convolution - windowed attention >= 0.20 accuracy",
        refuted_by="the mean difference is below 0.20 and the exact test says so",
        cites=("de2024griffin", "ren2024samba"),
        treatment=(arms.attention(at),),
        control=(arms.trained(at, "window", "Windowed attention", arms.of(at, one, one)),),
        predicted_effect=0.20,
    )
