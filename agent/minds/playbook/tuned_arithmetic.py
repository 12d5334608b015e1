"""Tuned task arithmetic already composes."""

from __future__ import annotations

from agent.minds.playbook import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "tuned_arithmetic",
    keywords="task arithmetic task vectors",
    prior=(2.0, 1.0),
    links={"composition": 1.0, "label_free": 1.0},
    meaning={
        "supported": "A single coefficient for each expert suffices for composition, so much "
        "of the gain needs no search in many dimensions.",
        "refuted": "Coefficients for whole models reach less than was predicted: they may be too "
        "coarse here.",
        "inconclusive": "Whether coarse coefficients suffice stays open.",
    },
)
def tuned_arithmetic(at: Setting) -> Idea | None:
    """Task arithmetic with two tuned coefficients against the best parent."""
    if not at.merges_deltas:
        return None
    return Idea(
        title="Tuned task arithmetic passes the best parent",
        statement="With tuned coefficients, task arithmetic should pass the best parent.",
        rationale=(
            "Adding task vectors combines what fine-tuning taught {{citep:ilharco2023task}}, and "
            "in a large study it was the method that gained most reliably "
            "{{citep:hitit2025systematic}}."
        ),
        prediction="tuned task arithmetic - best parent >= 0.05 accuracy",
        refuted_by="the mean difference is below 0.05 and the exact test says so",
        cites=("ilharco2023task", "hitit2025systematic"),
        treatment=(arms.grid(at),),
        control=arms.parents(at),
        control_label="Best parent",
        predicted_effect=0.05,
    )
