"""Gradient fine-tuning on the same dev items beats the search."""

from __future__ import annotations

from agent.minds.playbook import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "against_finetuning",
    keywords="fine-tuning gradient",
    prior=(1.5, 1.0),
    links={"few_labels": -0.5},
    meaning={
        "supported": "Where labels exist, gradients use them better than a search over "
        "merging coefficients; merging should be judged where there are few or "
        "none.",
        "refuted": "The search makes as much of the labelled items as gradient steps do.",
        "inconclusive": "Search and gradient steps on the same items cannot be told apart here.",
    },
)
def against_finetuning(at: Setting) -> Idea | None:
    """Fine-tuning of the first expert against the evolved merge, on the same labelled items."""
    if not at.merges_deltas:
        return None
    return Idea(
        title="Fine-tuning on the search's items beats the search",
        statement=(
            "Fine-tuning the parent on the dev items that the search is scored on should be more "
            "accurate than the evolved merge."
        ),
        rationale=(
            "A search that needs labels competes with gradients on the same labels; merging "
            "studies rarely show this baseline {{citep:tam2024realistic,yadav2024scale}}."
        ),
        prediction="fine-tuning - evolved merge >= 0.01 accuracy",
        refuted_by="the mean difference is below 0.01 and the exact test says so",
        cites=("tam2024realistic", "yadav2024scale"),
        treatment=(arms.finetune(at),),
        control=(arms.evolve(at),),
        predicted_effect=0.01,
    )
