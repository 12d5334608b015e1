"""Gate: SSD recalls more than linear attention, both behind short convolutions."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "gate_ssd",
    domain="architectures",
    gate=True,
    prior=(6.0, 1.0),
    meaning={
        "supported": "The distance that the gate asks for, between state space duality and linear "
        "attention, is found with the code of this run.",
        "refuted": "State space duality is less far ahead of linear attention than the gate asks "
        "for. The training or the code would have to be examined before any other result is "
        "trusted.",
        "inconclusive": "The test does not establish the distance that the gate asks for between "
        "state space duality and linear attention.",
    },
)
def gate_ssd(at: Setting) -> Idea | None:
    """SSD against linear attention with convolution on recall."""
    if not arms.has(at, arms.GATE_TASK):
        return None
    return Idea(
        title="Gate: SSD recalls more than linear attention",
        statement=(
            "State space duality should recall more than linear attention when both follow short "
            "convolutions."
        ),
        rationale=(
            "A decay that depends on the input lets a state drop what is not asked for "
            "{{citep:dao2024mamba2}}, while linear attention adds up whatever it reads "
            "{{citep:katharopoulos2020linear}}."
        ),
        prediction="SSD - linear attention with convolution >= 0.05 accuracy",
        refuted_by="the mean difference is below 0.05 and the exact test says so",
        cites=("dao2024mamba2", "katharopoulos2020linear"),
        treatment=(arms.ssd(at, arms.GATE_TASK),),
        control=(arms.linear(at, arms.GATE_TASK),),
        predicted_effect=0.05,
        tasks=(arms.GATE_TASK,),
    )
