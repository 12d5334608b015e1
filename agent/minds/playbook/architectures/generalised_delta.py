"""RWKV's generalised delta rule keeps up with DeltaNet."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "generalised_delta",
    domain="architectures",
    keywords="RWKV Goose linear RNN recurrent",
    links={"delta_rule": 0.5},
    meaning={
        "supported": "RWKV, with a shift in place of a convolution, loses less than the margin to "
        "DeltaNet of the same size, if it loses anything.",
        "refuted": "After as many steps, RWKV is more than the margin below DeltaNet. Whether "
        "longer training would close the distance was not tested.",
        "inconclusive": "How RWKV stands to DeltaNet of the same size is unresolved at this "
        "margin.",
    },
)
def generalised_delta(at: Setting) -> Idea | None:
    """Non-inferiority of RWKV to DeltaNet with wider keys, of the same size."""
    one = arms.layer("rwkv", convolution=0, heads=2, rank=arms.width_of(at) // 8)
    rwkv = arms.trained(at, "rwkv", "RWKV", arms.of(at, one, one))
    return Idea(
        title="RWKV keeps up with the delta rule",
        statement=(
            f"RWKV should be no less accurate {arms.where(at)} than DeltaNet of the same size, "
            "within a margin."
        ),
        rationale=(
            "Its state evolves by a delta rule in which decay, removal and writing are set "
            "separately {{citep:peng2025rwkv7}}, of which that of DeltaNet is a special case "
            "{{citep:yang2024deltanet}}."
        ),
        prediction="RWKV - DeltaNet with wider keys > -0.05 accuracy",
        refuted_by="the exact test says that the mean difference is below -0.05",
        cites=("peng2025rwkv7", "yang2024deltanet"),
        treatment=(rwkv,),
        control=(arms.wide_delta_net(at),),
        null_effect=-0.05,
        predicted_effect=-0.05,
    )
