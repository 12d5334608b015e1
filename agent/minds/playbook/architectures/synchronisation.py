"""A thinking machine answers better from its neurons' synchronisation than from their state."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms, tick_arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "synchronisation",
    domain="architectures",
    keywords="continuous thought machine CTM synchronization ticks neurons",
    links={"thought_machine": 0.5},
    meaning={
        "supported": "At equal size, a linear readout finds more of the answer in the "
        "synchronisation of the neurons than in their last activations.",
        "refuted": "Reading the synchronisation gains less over reading the activations than was "
        "predicted at this budget.",
        "inconclusive": "Whether synchronisation tells more than the state is not clear from these "
        "pairs.",
    },
)
def synchronisation(at: Setting) -> Idea | None:
    """The machine against itself with a plain readout, at equal parameters and ticks."""
    task = tick_arms.task_of(at)
    if not task:
        return None
    return Idea(
        title="Synchronisation tells more than the state",
        statement=(
            "A continuous thought machine that answers from the synchronisation of its neurons "
            f"should be more accurate {arms.where(at, task)} than the same machine answering from "
            "the activations themselves."
        ),
        rationale=(
            "The machine reads its answer from products of pairs of neurons, summed over the ticks "
            "with learned decays, which its authors hold to be a richer representation "
            "than a state {{citep:darlow2025ctm}}; a readout of the last state is the plain "
            "alternative of recurrent networks with adaptive depth {{citep:graves2016act}}."
        ),
        prediction="synchronisation readout - state readout >= 0.02 accuracy",
        refuted_by="the mean difference is below 0.02 and the exact test says so",
        cites=("darlow2025ctm", "graves2016act"),
        treatment=(tick_arms.machine(at, task),),
        control=(tick_arms.state_readout(at, task),),
        predicted_effect=0.02,
        tasks=(task,),
    )
