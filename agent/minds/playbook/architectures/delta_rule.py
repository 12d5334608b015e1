"""Writing by the delta rule beats adding."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "delta_rule",
    domain="architectures",
    keywords="DeltaNet linear attention fast weights",
    prior=(2.0, 1.0),
    links={"gated_delta": 0.5, "generalised_delta": 0.5},
    meaning={
        "supported": "A memory of the same size serves this task better when it is written by the "
        "delta rule instead of by adding.",
        "refuted": "Writing by the delta rule adds less than was predicted to a memory of this "
        "size.",
        "inconclusive": "What the delta rule is worth to a memory of this size cannot be said from "
        "these pairs.",
    },
)
def delta_rule(at: Setting) -> Idea | None:
    """DeltaNet against linear attention, both with convolution."""
    return Idea(
        title="Writing by the delta rule beats adding",
        statement=(
            f"DeltaNet should be more accurate {arms.where(at)} than linear attention of the same "
            "size, both behind short convolutions."
        ),
        rationale=(
            "Linear attention adds every value to its memory, where they interfere; the delta "
            "rule writes only what the key does not hold yet "
            "{{citep:schlag2021fwp,yang2024deltanet}}."
        ),
        prediction="DeltaNet - linear attention of as large a state >= 0.05 accuracy",
        refuted_by="the mean difference is below 0.05 and the exact test says so",
        cites=("schlag2021fwp", "yang2024deltanet"),
        treatment=(arms.delta_net(at),),
        control=(arms.equal_linear(at),),
        predicted_effect=0.05,
    )
