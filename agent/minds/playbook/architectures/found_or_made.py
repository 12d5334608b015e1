"""An evolved architecture keeps up with those that people made."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms, searches
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "found_or_made",
    domain="architectures",
    prior=(2.0, 1.0),
    links={"evolution": 0.5},
    meaning={
        "supported": "From a start that fails at this task, a short search of the grammar arrives "
        "at what people found over years, or at its like.",
        "refuted": "A search of this length does not arrive at what people found: what learns "
        "fast in a few steps is not what does best in the end, or was not met.",
        "inconclusive": "Whether the search arrives at what people found differs between seeds.",
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
        control_label="Best hand-made architecture",
        null_effect=-0.05,
        predicted_effect=-0.05,
    )
