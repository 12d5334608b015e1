"""With few labelled items a search in few dimensions overfits less than fine-tuning."""

from __future__ import annotations

from agent.minds.playbook import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "few_labels",
    keywords="few-shot labels overfitting",
    links={"against_finetuning": -0.5, "transfer": 0.5},
    meaning={
        "supported": "With few labels the small space of coefficients protects from "
        "overfitting, which is where a search is of practical use.",
        "refuted": "Even with few labels the search gains less on gradients than was predicted.",
        "inconclusive": "With so few labels these seeds do not settle what makes more of them.",
    },
)
def few_labels(at: Setting) -> Idea | None:
    """Evolution of a few coefficients against fine-tuning, both on the same few labelled items."""
    if not at.merges_deltas:
        return None
    return Idea(
        title="With few labels, search overfits less than fine-tuning",
        statement=(
            "Given only a few labelled items, evolving a coefficient for each expert and kind of "
            "component should be more accurate than fine-tuning the parent on them."
        ),
        rationale=(
            "Fewer parameters need fewer labels. Composition of experts was proposed for this case "
            "{{citep:huang2024lorahub}}, and fine-tuning on small sets is unstable "
            "{{citep:dodge2020finetuning}}."
        ),
        prediction="with 16 labels: few-label evolution - few-label fine-tuning >= 0.05 accuracy",
        refuted_by="the mean difference is below 0.05 and the exact test says so",
        cites=("huang2024lorahub", "dodge2020finetuning"),
        treatment=(arms.evolve_components(at, arms.FEW),),
        control=(arms.finetune(at, arms.FEW),),
        predicted_effect=0.05,
    )
