"""DeltaNet keeps up with attention when both train for as much processor time."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "equal_time",
    domain="architectures",
    keywords="equal processor CPU time seconds wall clock budget",
    links={"delta_rule": 0.25},
    meaning={
        "supported": "Counted by processor time, DeltaNet loses less than the margin to attention "
        "in this code, if anything.",
        "refuted": "In as much processor time DeltaNet ends more than the margin below attention. "
        "Faster code for its steps could change that; as many steps are another question.",
        "inconclusive": "Whether DeltaNet keeps up with attention in as much processor time "
        "stays unresolved.",
    },
)
def equal_time(at: Setting) -> Idea | None:
    """Non-inferiority of DeltaNet to attention, each trained for a time."""
    return Idea(
        title="DeltaNet keeps up with attention in equal processor time",
        statement=(
            "Trained for as much processor time, however many steps that is, DeltaNet should be no "
            f"less accurate {arms.where(at)} than attention behind short convolutions, within a "
            "margin."
        ),
        rationale=(
            "Most comparisons count steps or tokens. What a step takes depends on the mechanism "
            "and on its code: the delta rule needs a form over chunks to be trained at speed "
            "{{citep:yang2024deltanet}}, and results that leave the compute out can mislead "
            "{{citep:dodge2019show}}."
        ),
        prediction="DeltaNet by time - attention with convolution by time > -0.05 accuracy",
        refuted_by="the exact test says that the mean difference is below -0.05",
        cites=("yang2024deltanet", "dodge2019show"),
        treatment=(arms.timed(at, arms.delta_net(at)),),
        control=(arms.timed(at, arms.attention(at)),),
        null_effect=-0.05,
        predicted_effect=-0.05,
    )
