"""A constant state keeps what attention has on in-context recall."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family

TASK = "in_context_recall"


@family(
    "constant_state",
    domain="architectures",
    keywords="SSD Mamba state space model recurrent subquadratic constant state",
    links={"hybrid": -0.5},
    meaning={
        "supported": "With the few keys that this task asks about, giving up the growing cache "
        "costs less accuracy than the margin allows.",
        "refuted": "On this task, a state of constant size loses more than the margin to a cache "
        "that grows with what is read.",
        "inconclusive": "Whether a state of constant size is enough for this task stays open.",
    },
)
def constant_state(at: Setting) -> Idea | None:
    """Non-inferiority of SSD to attention on in-context recall, with less state."""
    if not arms.has(at, TASK) or at.subject.primary == TASK:
        return None
    return Idea(
        title="A constant state keeps up with a cache that grows",
        statement=(
            "State space duality, whose state does not grow with what it has read, should be no "
            f"less accurate {arms.where(at, TASK)} than attention, within a margin."
        ),
        rationale=(
            "Recall is bounded by the size of the state, not by whether it grows "
            "{{citep:arora2024based}}; with few distinct keys the state of a state space model is "
            "large enough {{citep:dao2024mamba2}}."
        ),
        prediction="SSD - attention with convolution > -0.05 accuracy",
        refuted_by="the exact test says that the mean difference is below -0.05",
        cites=("arora2024based", "dao2024mamba2"),
        treatment=(arms.ssd(at, TASK),),
        control=(arms.attention(at, TASK),),
        null_effect=-0.05,
        predicted_effect=-0.05,
        tasks=(TASK,),
    )
