"""Mixers side by side do as well as in sequence."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "parallel_residual",
    domain="architectures",
    keywords="parallel attention feed-forward residual GPT-J",
    meaning={
        "supported": "Letting attention and channel mixer read the same input costs less than the "
        "margin, so both might as well be computed at once.",
        "refuted": "Side by side, the mixers lose more than the margin: their order within a layer "
        "is of some use here.",
        "inconclusive": "What it costs to run the mixers side by side could not be placed on "
        "either side of the margin.",
    },
)
def parallel_residual(at: Setting) -> Idea | None:
    """Non-inferiority of parallel to sequential mixers."""
    one = arms.layer("softmax_attention", channel=arms.glu())
    body = arms.of(at, one, one, parallel=True)
    return Idea(
        title="Mixers can work side by side",
        statement=(
            "Layers whose attention and channel mixer read the same input should be no less "
            f"accurate {arms.where(at)} than layers in which the channel mixer follows, within a "
            "margin."
        ),
        rationale=(
            "Most changes to a transformer leave its quality as it is "
            "{{citep:narang2021transfer}}, and mixers that do not wait for each other run faster."
        ),
        prediction="parallel - sequential mixers > -0.05 accuracy",
        refuted_by="the exact test says that the mean difference is below -0.05",
        cites=("narang2021transfer",),
        treatment=(arms.trained(at, "parallel", "Parallel mixers", body),),
        control=(arms.mixed_attention(at),),
        null_effect=-0.05,
        predicted_effect=-0.05,
    )
