"""Routed experts keep up with a dense channel mixer of as many parameters.

Asked where one position has to hold a whole sequence: on recall attention alone answers everything,
and no channel mixer can lose.
"""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family
from tools.architectures.architecture import Choice

TASK = "compression"


@family(
    "routed_experts",
    domain="architectures",
    keywords="mixture of experts MoE routing sparse router Mixtral",
    meaning={
        "supported": "At as many parameters, sending each position through only some of the "
        "experts costs less than the margin.",
        "refuted": "Routing loses more than the margin here to mixers of the same size that every "
        "position uses in full.",
        "inconclusive": "Whether routing stays within the margin of dense mixers is unsettled.",
    },
)
def routed_experts(at: Setting) -> Idea | None:
    """Non-inferiority of a mixture of experts to SwiGLU with as many parameters."""
    if not arms.has(at, TASK):
        return None
    parameters = {"expansion": 0.25, "experts": 4, "active": 2, "balance": "loss"}
    channel = Choice.model_validate({"block": "mixture_of_experts", "parameters": parameters})
    one = arms.layer("softmax_attention", channel=channel)
    routed = arms.trained(
        at, "attention-experts", "Attention with routed experts", arms.of(at, one, one), task=TASK
    )
    return Idea(
        title="Routed experts keep up with a dense mixer",
        statement=(
            "Attention whose channel mixers route each position to some of their experts should "
            f"be no less accurate {arms.where(at, TASK)} than with dense channel mixers of as many "
            "parameters, within a margin."
        ),
        rationale=(
            "Routing lets a model hold parameters that it does not use at every position "
            "{{citep:shazeer2017moe,fedus2022switch}}, and small experts are chosen more finely "
            "{{citep:dai2024deepseekmoe}}."
        ),
        prediction="routed experts - dense mixers > -0.05 accuracy",
        refuted_by="the exact test says that the mean difference is below -0.05",
        cites=("shazeer2017moe", "fedus2022switch", "dai2024deepseekmoe"),
        treatment=(routed,),
        control=(arms.on(at, arms.mixed_attention(at), TASK),),
        null_effect=-0.05,
        predicted_effect=-0.05,
        tasks=(TASK,),
    )
