"""An evolved merge has a skill that neither parent has."""

from __future__ import annotations

from agent.minds.playbook import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "composition",
    keywords="combine capabilities new skill emerge language",
    prior=(2.0, 1.0),
    links={"label_free": 1.0, "tuned_arithmetic": 1.0},
    meaning={
        "supported": "What the experts learned apart acts together in one model, under the "
        "weights that the search found.",
        "refuted": "The search adds less to what a parent already had than was predicted, so at "
        "this scale composition should not be assumed from merging.",
        "inconclusive": "The runs do not settle whether the merge adds to its parents; more "
        "seeds would be needed.",
    },
)
def composition(at: Setting) -> Idea | None:
    """The evolved merge against the best parent."""
    if not at.merges_deltas:
        return None
    return Idea(
        title="A merge composes a skill that neither parent has",
        statement="The evolved merge should be more accurate than its better parent.",
        rationale=(
            "Merging experts of a common base was reported to yield abilities that no source has "
            "{{citep:akiba2025evolutionary}}: each expert brings a part of it, and task vectors "
            "add {{citep:ilharco2023task}}."
        ),
        prediction="evolved merge - best parent >= 0.10 accuracy",
        refuted_by="the mean difference is below 0.10 and the exact test says so",
        cites=("akiba2025evolutionary", "ilharco2023task"),
        treatment=(arms.evolve(at),),
        control=arms.parents(at),
        control_label="Best parent",
        predicted_effect=0.10,
    )
