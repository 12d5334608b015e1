"""A layer that is passed again replaces a further layer."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "looped",
    domain="architectures",
    keywords="looped universal transformer weight sharing recursive",
    links={"depth_or_width": 0.5},
    meaning={
        "supported": "Passing a layer repeatedly costs less than the margin when the parameters "
        "that it saves go into its channel mixer.",
        "refuted": "A layer that is passed repeatedly ends more than the margin below distinct "
        "layers of the same size.",
        "inconclusive": "Whether shared weights can replace distinct layers of the same size is "
        "undetermined.",
    },
)
def looped(at: Setting) -> Idea | None:
    """Non-inferiority of a looped layer to distinct layers of the same size."""
    one = arms.layer("softmax_attention", channel=arms.glu())
    looped_layer = arms.trained(
        at,
        "looped",
        "A looped layer",
        arms.of(at, one, loops=2),
        like=arms.mixed_attention_body(at),
    )
    return Idea(
        title="A looped layer replaces distinct layers",
        statement=(
            "A single layer that is passed repeatedly, with the parameters of the others in its "
            f"channel mixer, should be no less accurate {arms.where(at)} than distinct layers, "
            "within a margin."
        ),
        rationale=(
            "Transformers that repeat a layer with shared weights learn algorithms at least as "
            "well {{citep:dehghani2019universal}}."
        ),
        prediction="looped layer - distinct layers > -0.05 accuracy",
        refuted_by="the exact test says that the mean difference is below -0.05",
        cites=("dehghani2019universal",),
        treatment=(looped_layer,),
        control=(arms.mixed_attention(at),),
        null_effect=-0.05,
        predicted_effect=-0.05,
    )
