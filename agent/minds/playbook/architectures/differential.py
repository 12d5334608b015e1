"""Differential attention beats softmax attention of the same size."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "differential",
    domain="architectures",
    links={"grouped_differential": 0.5},
    meaning={
        "supported": "Taking a further softmax map away lets attention find its key among "
        "distractors sooner, at the same size.",
        "refuted": "At this size attention does not suffer from noise that a further map could "
        "take away.",
        "inconclusive": "What differential attention adds differs between seeds.",
    },
)
def differential(at: Setting) -> Idea | None:
    """Differential against softmax attention, neither with convolution."""
    layers = (
        arms.layer("differential_attention", convolution=0, heads=2, depth=depth)
        for depth in (1, 2)
    )
    body = arms.of(at, *layers)
    return Idea(
        title="Differential attention learns sooner than softmax attention",
        statement=(
            f"After as many steps, differential attention should be more accurate {arms.where(at)} "
            "than softmax attention with as many parameters."
        ),
        rationale=(
            "The difference of softmax maps cancels what both give to positions that do not "
            "matter, which is reported to help retrieval {{citep:ye2025diff}}."
        ),
        prediction="differential attention - attention alone >= 0.02 accuracy",
        refuted_by="the mean difference is below 0.02 and the exact test says so",
        cites=("ye2025diff",),
        treatment=(arms.trained(at, "differential", "Differential attention", body),),
        control=(arms.plain_attention(at),),
        predicted_effect=0.02,
    )
