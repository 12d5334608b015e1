"""The evolved merge keeps what its parents knew."""

from __future__ import annotations

from agent.minds.playbook import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "retention",
    keywords="forgetting catastrophic keeps",
    links={"keeping": -0.5},
    meaning={
        "supported": "The search leaves the abilities of the parents within the margin "
        "although it was not scored on them.",
        "refuted": "What is not scored is lost: a merge evolved for a single task should "
        "not be used for others unseen.",
        "inconclusive": "A loss can be neither excluded nor established on these seeds.",
    },
)
def retention(at: Setting) -> Idea | None:
    """Non-inferiority of the evolved merge on the kept tasks, against the better parent there."""
    if not at.merges_deltas or not at.subject.kept:
        return None
    return Idea(
        title="The evolved merge keeps what its parents knew",
        statement=(
            "Averaged over the tasks that the parents know, the evolved merge should not be worse "
            "than the better parent by more than the margin."
        ),
        rationale=(
            "A merged model is meant to hold the abilities of all its sources "
            "{{citep:yadav2023ties,yang2024survey}}, while a search that is scored on a single "
            "task is not asked to keep the others."
        ),
        prediction="evolved merge - best parent > -0.05 accuracy, mean over the kept tasks",
        refuted_by="the exact test says that the mean difference is below -0.05",
        cites=("yadav2023ties", "yang2024survey"),
        treatment=(arms.evolve(at),),
        control=arms.parents(at),
        control_label="Best parent",
        null_effect=-0.05,
        predicted_effect=-0.05,
        tasks=tuple(at.subject.kept),
    )
