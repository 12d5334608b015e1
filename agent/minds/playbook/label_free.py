"""Without a single label, the plain sum already composes."""

from __future__ import annotations

from agent.minds.playbook import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "label_free",
    keywords="labels unsupervised data-free",
    links={"tuned_arithmetic": 1.0, "composition": 0.5},
    meaning={
        "supported": "Composition can be had without labels and without a search.",
        "refuted": "Without tuning, the task vectors overshoot or interfere, and labels "
        "are needed to compose.",
        "inconclusive": "Whether the untuned sum composes is not settled by these seeds.",
    },
)
def label_free(at: Setting) -> Idea | None:
    """Task vectors added at full weight, against the best parent."""
    if not at.merges_deltas:
        return None
    return Idea(
        title="Without labels, the plain sum passes the best parent",
        statement=(
            "Adding the experts' task vectors at full weight, which needs no labelled item, "
            "should be more accurate than the best parent."
        ),
        rationale=(
            "Task vectors of tasks that do not conflict add without tuning "
            "{{citep:ilharco2023task,ortizjimenez2023tangent}}; most gains of tuning need labels "
            "that a person may not have."
        ),
        prediction="plain sum of task vectors - best parent >= 0.05 accuracy",
        refuted_by="the mean difference is below 0.05 and the exact test says so",
        cites=("ilharco2023task", "ortizjimenez2023tangent"),
        treatment=(arms.plain_sum(at),),
        control=arms.parents(at),
        control_label="Best parent",
        predicted_effect=0.05,
    )
