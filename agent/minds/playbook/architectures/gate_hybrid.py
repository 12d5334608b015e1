"""Gate: a layer of attention and a layer of SSD recall no less than SSD alone."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "gate_hybrid",
    domain="architectures",
    gate=True,
    prior=(6.0, 1.0),
    meaning={
        "supported": "The hybrid keeps within the margin of pure state space duality or comes out "
        "ahead, as the known order has it.",
        "refuted": "The hybrid loses more than the margin to pure state space duality, contrary to "
        "earlier reports. Other results of this code are in doubt until that is explained.",
        "inconclusive": "Whether the hybrid has its known place is not decided by this test, and "
        "the gate needs a decision.",
    },
)
def gate_hybrid(at: Setting) -> Idea | None:
    """Non-inferiority of the hybrid to SSD on recall."""
    if not arms.has(at, arms.GATE_TASK):
        return None
    return Idea(
        title="Gate: a hybrid recalls no less than SSD",
        statement=(
            "A layer of attention followed by a layer of state space duality should recall no "
            "less than state space duality in both layers, within a margin."
        ),
        rationale=(
            "Hybrids of state space layers with a little attention are reported to keep the "
            "recall of attention {{citep:poli2024mad,lieber2024jamba}}."
        ),
        prediction="attention then SSD - SSD > -0.05 accuracy",
        refuted_by="the exact test says that the mean difference is below -0.05",
        cites=("poli2024mad", "lieber2024jamba"),
        treatment=(arms.hybrid(at, arms.GATE_TASK),),
        control=(arms.ssd(at, arms.GATE_TASK),),
        null_effect=-0.05,
        predicted_effect=-0.05,
        tasks=(arms.GATE_TASK,),
    )
