"""Gate: attention behind short convolutions recalls no less than SSD."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "gate_attention",
    domain="architectures",
    gate=True,
    prior=(6.0, 1.0),
    meaning={
        "supported": "With the code of this run, attention falls less than the margin below state "
        "space duality, if at all, which is the place that the known order gives it.",
        "refuted": "Against the known order, attention falls more than the margin below state "
        "space duality. Until the reason is found, nothing else that was trained with this code "
        "should be relied on.",
        "inconclusive": "The place of attention in the known order is not established by these "
        "pairs, and the gate asks for that before anything else.",
    },
)
def gate_attention(at: Setting) -> Idea | None:
    """Non-inferiority of attention with convolution to SSD on recall."""
    if not arms.has(at, arms.GATE_TASK):
        return None
    return Idea(
        title="Gate: attention recalls no less than SSD",
        statement=(
            "Attention behind short convolutions should recall no less than state space duality, "
            "within a margin."
        ),
        rationale=(
            "Attention looks its keys up, while a constant state has to hold them all; in "
            "published comparisons it recalls most {{citep:arora2024zoology,arora2024based}}. A "
            "run that does not find this has no ground for claims about other architectures."
        ),
        prediction="attention with convolution - SSD > -0.05 accuracy",
        refuted_by="the exact test says that the mean difference is below -0.05",
        cites=("arora2024zoology", "arora2024based"),
        treatment=(arms.attention(at, arms.GATE_TASK),),
        control=(arms.ssd(at, arms.GATE_TASK),),
        null_effect=-0.05,
        predicted_effect=-0.05,
        tasks=(arms.GATE_TASK,),
    )
