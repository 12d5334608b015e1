"""A norm before each mixer learns sooner than a norm after it."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "norm_place",
    domain="architectures",
    keywords="normalisation pre-norm post-norm layer norm",
    meaning={
        "supported": "Norms before the mixers speed learning even in a model of this depth, under "
        "the recipe that was tried.",
        "refuted": "At this depth, the place of the norms matters less than was predicted.",
        "inconclusive": "Whether the place of the norms matters at this depth remains to be "
        "decided.",
    },
)
def norm_place(at: Setting) -> Idea | None:
    """Norms before against norms after the mixers."""
    one = arms.layer("softmax_attention")
    after = arms.of(at, one, one, norm_place="post")
    return Idea(
        title="Norms before the mixers learn sooner than after them",
        statement=(
            "After as many steps, attention with norms before its mixers should be more accurate "
            f"{arms.where(at)} than with norms after them."
        ),
        rationale=(
            "The transformer was published with norms after its mixers "
            "{{citep:vaswani2017attention}}; norms before them leave a plain path for gradients, "
            "and most comparisons use them {{citep:narang2021transfer}}."
        ),
        prediction="norms before - norms after >= 0.05 accuracy",
        refuted_by="the mean difference is below 0.05 and the exact test says so",
        cites=("vaswani2017attention", "narang2021transfer"),
        treatment=(arms.attention(at),),
        control=(arms.trained(at, "post-norm", "Attention with norms after", after),),
        predicted_effect=0.05,
    )
