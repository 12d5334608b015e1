"""PolyNorm learns more than SwiGLU where one position has to hold a whole sequence."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family
from tools.architectures.architecture import Choice

TASK = "compression"


@family(
    "poly_norm",
    domain="architectures",
    keywords="PolyNorm polynomial activation Motif PolyCom",
    meaning={
        "supported": "Where much has to be packed into a position, the polynomial activation pays "
        "at equal size.",
        "refuted": "Exchanging SwiGLU for a polynomial activation brings less than was predicted "
        "on this task.",
        "inconclusive": "Whether a polynomial activation packs more into a position is not decided "
        "here.",
    },
)
def poly_norm(at: Setting) -> Idea | None:
    """Gated PolyNorm against SwiGLU of the same size on compression."""
    if not arms.has(at, TASK):
        return None
    channel = Choice(block="poly_norm", parameters={"expansion": 1.0, "gated": True})
    one = arms.layer("softmax_attention", channel=channel)
    body = arms.of(at, one, one)
    label = "Attention with convolution and PolyNorm"
    return Idea(
        title="PolyNorm packs more into a position than SwiGLU",
        statement=(
            "With PolyNorm as activation, attention should be more accurate "
            f"{arms.where(at, TASK)} than with SwiGLU and as many parameters."
        ),
        rationale=(
            "Normed powers of the features make products that other activations have to "
            "approximate {{citep:zhuo2025polycom}}; large models were trained with them "
            "{{citep:lim2025motif2}}."
        ),
        prediction="PolyNorm - SwiGLU >= 0.02 accuracy",
        refuted_by="the mean difference is below 0.02 and the exact test says so",
        cites=("zhuo2025polycom", "lim2025motif2"),
        treatment=(arms.trained(at, "attention-polynorm", label, body, task=TASK),),
        control=(arms.on(at, arms.mixed_attention(at), TASK),),
        predicted_effect=0.02,
        tasks=(TASK,),
    )
