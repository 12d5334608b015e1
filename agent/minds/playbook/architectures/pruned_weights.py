"""A model without half of its weights loses no more than a margin."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family

SHARE = 0.5
"""Of each matrix, that is left out."""


@family(
    "pruned_weights",
    domain="architectures",
    keywords="pruning sparsity lottery smaller memory",
    prior=(1.0, 1.5),
    links={"int8_weights": 0.5},
    meaning={
        "supported": "Weights of small magnitude can be left out at a cost below the margin, "
        "without training on.",
        "refuted": "Leaving out the weights of small magnitude costs more than the margin. Whether "
        "training on would make up for it was not tested.",
        "inconclusive": "The question whether the weights of small magnitude can be spared is left "
        "unanswered.",
    },
)
def pruned_weights(at: Setting) -> Idea | None:
    """Attention without the smaller half of its weights against itself with all."""
    return Idea(
        title="The smallest weights can be left out",
        statement=(
            "Attention with convolution should be no less accurate "
            f"{arms.where(at)} without those weights of each matrix that are smallest in "
            "magnitude, and without training on, than with all of them, within a margin, while it "
            "takes fewer bytes."
        ),
        rationale=(
            "Large models are reported to keep their quality when many of their weights are left "
            "out {{citep:frantar2023sparsegpt,sun2024wanda}}, and most weights of small networks "
            "can be pruned when the rest is trained again {{citep:frankle2019lottery}}."
        ),
        prediction="pruned weights - whole weights > -0.05 accuracy",
        refuted_by="the exact test says that the mean difference is below -0.05",
        cites=("frantar2023sparsegpt", "sun2024wanda", "frankle2019lottery"),
        treatment=(
            arms.compressed(
                at, "pruned", "Attention with half its weights", form="pruned", share=SHARE
            ),
        ),
        control=(arms.attention(at),),
        null_effect=-0.05,
        predicted_effect=-0.05,
    )
