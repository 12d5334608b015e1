"""A thinking machine is more accurate than an LSTM of its size on the same ticks."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms, tick_arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "thought_machine",
    domain="architectures",
    keywords="continuous thought machine CTM ticks neuron level models",
    links={"synchronisation": 0.5},
    meaning={
        "supported": "Given the same ticks, attention and number of parameters, the machine learns "
        "more here than a single recurrent cell. Which of its parts accounts for that, this test "
        "does not tell.",
        "refuted": "Set against an LSTM with the same attention and ticks, the machine gains less "
        "than was predicted.",
        "inconclusive": "Whether the machine puts its ticks to better use is undecided.",
    },
)
def thought_machine(at: Setting) -> Idea | None:
    """The machine against an LSTM over the same attention, at equal parameters and ticks."""
    task = tick_arms.task_of(at)
    if not task:
        return None
    return Idea(
        title="A thought machine beats an LSTM on the same ticks",
        statement=(
            f"A continuous thought machine should be more accurate {arms.where(at, task)} than an "
            "LSTM that asks the same attention for as many ticks with as many parameters."
        ),
        rationale=(
            "The machine gives every neuron a model of its own over its past and reads their "
            "synchronisation, and its authors report better accuracy than that of an LSTM with "
            "the same attention {{citep:darlow2025ctm}}."
        ),
        prediction="thought machine - LSTM >= 0.02 accuracy",
        refuted_by="the mean difference is below 0.02 and the exact test says so",
        cites=("darlow2025ctm",),
        treatment=(tick_arms.machine(at, task),),
        control=(tick_arms.lstm(at, task),),
        predicted_effect=0.02,
        tasks=(task,),
    )
