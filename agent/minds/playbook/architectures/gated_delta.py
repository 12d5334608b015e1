"""A gate on the memory adds to the delta rule."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "gated_delta",
    domain="architectures",
    keywords="gated DeltaNet Qwen Kimi linear attention",
    links={"delta_rule": 0.5},
    meaning={
        "supported": "For a memory that is written by the delta rule, a gate is a better use of "
        "the same parameters here than wider keys.",
        "refuted": "At equal size, a gate on the memory brings less over wider keys than was "
        "predicted.",
        "inconclusive": "Whether a gate or wider keys are the better use of these parameters has "
        "yet to be settled.",
    },
)
def gated_delta(at: Setting) -> Idea | None:
    """Gated DeltaNet against DeltaNet with wider keys, of the same size."""
    one = arms.layer("gated_delta_net", heads=2)
    gated = arms.trained(at, "gated-delta-net", "Gated DeltaNet", arms.of(at, one, one))
    return Idea(
        title="A gate adds to the delta rule",
        statement=(
            f"Gated DeltaNet should be more accurate {arms.where(at)} than DeltaNet that spends "
            "the same parameters on wider keys."
        ),
        rationale=(
            "Gating clears the memory quickly while the delta rule updates it precisely, and "
            "together they are reported to exceed either {{citep:yang2025gateddelta}}. The "
            "control spends the parameters of the gate on keys, and so on a larger state."
        ),
        prediction="gated DeltaNet - DeltaNet with wider keys >= 0.02 accuracy",
        refuted_by="the mean difference is below 0.02 and the exact test says so",
        cites=("yang2025gateddelta",),
        treatment=(gated,),
        control=(arms.wide_delta_net(at),),
        predicted_effect=0.02,
    )
