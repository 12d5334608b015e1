"""Gate: linear attention recalls more behind short convolutions than alone."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "gate_convolution",
    domain="architectures",
    gate=True,
    prior=(6.0, 1.0),
    meaning={
        "supported": "The known gain of linear attention from a short convolution is reproduced "
        "with the code of this run.",
        "refuted": "With this code, linear attention gains less from a short convolution than the "
        "known order asks for. Further comparisons would inherit whatever is amiss, so none should "
        "be trusted before it is found.",
        "inconclusive": "The known gain from a short convolution is not established here, which is "
        "too little to build other comparisons on.",
    },
)
def gate_convolution(at: Setting) -> Idea | None:
    """Linear attention with and without convolution on recall."""
    if not arms.has(at, arms.GATE_TASK):
        return None
    return Idea(
        title="Gate: a short convolution lets linear attention recall",
        statement=(
            "Linear attention behind short convolutions should recall more than linear attention "
            "alone."
        ),
        rationale=(
            "To recall, a value has to be stored under the key before it, and a short convolution "
            "brings the neighbours together {{citep:fu2023h3,arora2024zoology}}."
        ),
        prediction="linear attention with convolution - alone >= 0.10 accuracy",
        refuted_by="the mean difference is below 0.10 and the exact test says so",
        cites=("fu2023h3", "arora2024zoology"),
        treatment=(arms.linear(at, arms.GATE_TASK),),
        control=(arms.plain_linear(at, arms.GATE_TASK),),
        predicted_effect=0.10,
        tasks=(arms.GATE_TASK,),
    )
