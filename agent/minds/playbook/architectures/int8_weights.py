"""Weights of eight bits lose no more than a margin."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "int8_weights",
    domain="architectures",
    keywords="quantisation quantization int8 smaller memory inference",
    prior=(3.0, 1.0),
    links={"pruned_weights": 0.5},
    meaning={
        "supported": "Rounding the trained weights costs less than the margin and saves bytes. "
        "Products are computed as before, so nothing is said of time.",
        "refuted": "Rounding the weights after training costs this model more than the margin.",
        "inconclusive": "What the rounding costs is not known well enough to be set against the "
        "margin.",
    },
)
def int8_weights(at: Setting) -> Idea | None:
    """Attention with int8 weights against itself with whole ones."""
    return Idea(
        title="Rounded weights keep the accuracy within a margin",
        statement=(
            "Attention with convolution whose matrices are rounded to small whole numbers, with a "
            "scale for each row, should be no less accurate "
            f"{arms.where(at)} than with the weights it was trained with, within a margin, while "
            "it takes fewer bytes."
        ),
        rationale=(
            "Rounding of this kind is reported to cost large models next to nothing "
            "{{citep:dettmers2022int8}}; small models have fewer weights to average its errors."
        ),
        prediction="rounded weights - whole weights > -0.02 accuracy",
        refuted_by="the exact test says that the mean difference is below -0.02",
        cites=("dettmers2022int8",),
        treatment=(arms.compressed(at, "int8", "Attention with rounded weights", form="int8"),),
        control=(arms.attention(at),),
        null_effect=-0.02,
        predicted_effect=-0.02,
    )
