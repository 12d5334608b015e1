"""The optimum found on a small dev split transfers to the test split."""

from __future__ import annotations

from agent.minds.playbook import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "transfer",
    keywords="overfit dev test generalise",
    prior=(1.5, 1.0),
    links={"composition": 0.5},
    meaning={
        "supported": "Selecting among the candidates on few items cost little: the space is "
        "too small to overfit them by more than the margin.",
        "refuted": "The dev accuracy of the selected candidate is optimistic, and only "
        "held-out items may be reported.",
        "inconclusive": "The loss from dev to test is near the margin and cannot be placed on "
        "either side of it.",
    },
)
def transfer(at: Setting) -> Idea | None:
    """Non-inferiority of the evolved merge on test items, against the dev items that chose it."""
    if not at.merges_deltas:
        return None
    return Idea(
        title="The optimum found on dev items transfers",
        statement=(
            "The evolved merge should be as accurate on held-out items as on the dev items that "
            "selected it, within the margin."
        ),
        rationale=(
            "Selecting among many candidates on few items favours the lucky "
            "{{citep:dodge2019show,mencattini2025merge3}}, but a search in few dimensions has "
            "little room to overfit."
        ),
        prediction="test accuracy - dev accuracy of the evolved merge > -0.03",
        refuted_by="the exact test says that the mean difference is below -0.03",
        cites=("dodge2019show", "mencattini2025merge3"),
        treatment=(arms.evolve(at),),
        control=(arms.evolve(at),),
        treatment_label="Evolved merge on test items",
        control_label="Evolved merge on development items",
        control_split="dev",
        null_effect=-0.03,
        predicted_effect=-0.03,
    )
