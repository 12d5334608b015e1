"""Differential attention beats softmax attention of the same size."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "differential",
    domain="architectures",
    keywords="differential transformer noise cancelling",
    links={"grouped_differential": 0.5},
    meaning={
        "supported": "In as many steps and at the same size, subtracting a further softmax map "
        "helps attention on this task.",
        "refuted": "Subtracting a further softmax map brings less than was predicted at this size. "
        "Nothing follows from that for the larger models that it was proposed for.",
        "inconclusive": "The pairs leave open whether differential attention learns sooner at this "
        "size.",
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
