"""Parity needs further ticks of thought than a single one."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms, tick_arms
from agent.minds.playbook.family import Idea, Setting, family

TASK = "parity"


@family(
    "more_ticks",
    domain="architectures",
    keywords="continuous thought machine CTM adaptive computation thinking ticks",
    prior=(2.0, 1.0),
    links={"looped": 0.5},
    meaning={
        "supported": "With as many parameters, ticks that follow each other raise the accuracy on "
        "this task. They also spend more operations, and the test does not separate order from "
        "amount.",
        "refuted": "Further ticks add less than was predicted to what a single look at the input "
        "gives.",
        "inconclusive": "Whether further ticks are of use within this training is not decided.",
    },
)
def more_ticks(at: Setting) -> Idea | None:
    """The machine against itself with a single tick: equal parameters, fewer operations."""
    if not arms.has(at, TASK):
        return None
    return Idea(
        title="Further ticks beat a single tick",
        statement=(
            f"With the same parameters, several ticks should be more accurate "
            f"{arms.where(at, TASK)} than a single tick, which also spends fewer operations."
        ),
        rationale=(
            "Recurrence spends more computation on an input at no further parameters "
            "{{citep:graves2016act,dehghani2019universal}}, and parity is the task on which "
            "thought machines were shown to use their ticks {{citep:darlow2025ctm}}."
        ),
        prediction="several ticks - single tick >= 0.05 accuracy",
        refuted_by="the mean difference is below 0.05 and the exact test says so",
        cites=("graves2016act", "dehghani2019universal", "darlow2025ctm"),
        treatment=(tick_arms.machine(at, TASK),),
        control=(tick_arms.single_tick(at, TASK),),
        predicted_effect=0.05,
        tasks=(TASK,),
    )
