"""A search that is asked to keep what the parents knew keeps more."""

from __future__ import annotations

from agent.minds.playbook import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "keeping",
    keywords="forgetting catastrophic retention",
    prior=(1.5, 1.0),
    links={"retention": -0.5},
    meaning={
        "supported": "Forgetting follows from the fitness and can be reduced by asking for "
        "what should stay.",
        "refuted": "Adding the other tasks to the fitness keeps less of them than was predicted, "
        "at this number of evaluations.",
        "inconclusive": "The effect of the second objective on what is kept is not settled.",
    },
)
def keeping(at: Setting) -> Idea | None:
    """Evolution with the kept tasks in its fitness, against evolution for the one task."""
    kept = tuple(at.subject.kept)
    if not at.merges_deltas or not kept:
        return None
    return Idea(
        title="A second objective keeps what the parents knew",
        statement=(
            "Averaged over the tasks that the parents know, evolution that is scored on them too "
            "should be more accurate than evolution for the topic's task alone."
        ),
        rationale=(
            "Several objectives trade off in merging "
            "{{citep:kuroki2025cycleqd,abrantes2025competition}}, and what is not scored is not "
            "kept."
        ),
        prediction="evolved for both - evolved for one >= 0.05 accuracy, mean over the kept tasks",
        refuted_by="the mean difference is below 0.05 and the exact test says so",
        cites=("kuroki2025cycleqd", "abrantes2025competition"),
        treatment=(arms.evolve_keeping(at, kept),),
        control=(arms.evolve(at),),
        predicted_effect=0.05,
        tasks=kept,
    )
