"""Several residual streams beat a single one."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "hyper_connections",
    domain="architectures",
    keywords="hyper-connections residual streams mHC",
    meaning={
        "supported": "Learned connections between several residual streams are worth their few "
        "parameters in a model of this depth.",
        "refuted": "In a model of this depth, several residual streams bring less than was "
        "predicted.",
        "inconclusive": "Whether further residual streams speed learning at this depth is not "
        "shown either way.",
    },
)
def hyper_connections(at: Setting) -> Idea | None:
    """Hyper-connections against a plain residual, attention alone."""
    bare = arms.layer("softmax_attention", convolution=0)
    body = arms.of(at, bare, bare, residual="hyper", streams=2)
    return Idea(
        title="Hyper-connections learn sooner than a plain residual",
        statement=(
            "After as many steps, attention with several residual streams and learned connections "
            f"should be more accurate {arms.where(at)} than with a plain residual."
        ),
        rationale=(
            "Static hyper-connections begin as a plain residual and learn how strongly each layer "
            "reads and writes; whether such changes help elsewhere than where they were proposed "
            "has to be tested {{citep:narang2021transfer}}."
        ),
        prediction="hyper-connections - plain residual >= 0.02 accuracy",
        refuted_by="the mean difference is below 0.02 and the exact test says so",
        cites=("narang2021transfer",),
        treatment=(arms.trained(at, "hyper", "Attention with hyper-connections", body),),
        control=(arms.plain_attention(at),),
        predicted_effect=0.02,
    )
