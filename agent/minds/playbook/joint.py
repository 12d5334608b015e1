"""Merging beats joint training on the same data."""

from __future__ import annotations

from agent.minds.playbook import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "joint",
    keywords="joint training multitask data mixing",
    links={"composition": 0.5},
    meaning={
        "supported": "Training apart and merging avoids what joint training loses when both "
        "data are mixed for the same number of steps.",
        "refuted": "Training on the data of both experts together remains the baseline to reach.",
        "inconclusive": "Merging and joint training cannot be told apart on these seeds.",
    },
)
def joint(at: Setting) -> Idea | None:
    """The evolved merge against one model trained on the data of both experts."""
    role = at.role("joint")
    if not at.merges_deltas or role is None:
        return None
    return Idea(
        title="Merging beats joint training",
        statement=(
            "The evolved merge should be more accurate than a single model trained from the same "
            "base on the data of both experts together."
        ),
        rationale=(
            "Experts trained apart and merged are an alternative to a training on all data "
            "{{citep:li2022branch,sukhbaatar2024btx}}; joint training is usually thought the "
            "upper bound {{citep:yang2024survey}}."
        ),
        prediction="evolved merge - joint training >= 0.05 accuracy",
        refuted_by="the mean difference is below 0.05 and the exact test says so",
        cites=("li2022branch", "sukhbaatar2024btx", "yang2024survey"),
        treatment=(arms.evolve(at),),
        control=(arms.parent(role),),
        predicted_effect=0.05,
    )
