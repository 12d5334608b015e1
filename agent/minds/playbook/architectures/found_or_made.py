"""An evolved architecture keeps up with those that people made."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms, searches
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "found_or_made",
    domain="architectures",
    keywords="evolution evolutionary search NAS architecture search hand-made",
    prior=(2.0, 1.0),
    links={"evolution": 0.5},
    meaning={
        "supported": "From a weak start, a short search of the grammar ends less than the margin "
        "below the best of the hand-made arms, if it ends below it.",
        "refuted": "A search of this length ends more than the margin below the best of the "
        "hand-made arms. Whether it met nothing as apt or passed it over, the test does not tell.",
        "inconclusive": "Whether so short a search comes within the margin of the hand-made arms "
        "remains unsettled.",
    },
)
def found_or_made(at: Setting) -> Idea | None:
    """Non-inferiority of the evolved architecture to the best hand-made one of each seed."""
    return Idea(
        title="An evolved architecture keeps up with the best hand-made",
        statement=(
            "Started from linear attention alone, evolution should find an architecture that, "
            f"trained alike at equal size, is no less accurate {arms.where(at)} than the best of "
            "attention with convolution, a hybrid and SSD, within a margin."
        ),
        rationale=(
            "Searches have often been credited with what lay in their space, their start or their "
            "tuning {{citep:li2020nasbaseline,white2023nas}}; here the start is the weakest of "
            "the known order {{citep:arora2024zoology}}, the size is fixed, and the best found is "
            "trained as the hand-made are."
        ),
        prediction="evolved architecture - best hand-made > -0.05 accuracy",
        refuted_by="the exact test says that the mean difference is below -0.05",
        cites=("li2020nasbaseline", "white2023nas", "arora2024zoology"),
        treatment=(searches.evolved(at),),
        control=searches.hand_made(at),
        control_label="The best hand-made architecture",
        null_effect=-0.05,
        predicted_effect=-0.05,
    )
