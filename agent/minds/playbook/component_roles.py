"""Attention carries the skill and the MLPs the language, or the other way round."""

from __future__ import annotations

from agent.minds.playbook import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "component_roles",
    keywords="attention MLP components",
    links={"layer_swap": 0.5},
    meaning={
        "supported": "Selecting among the inputs appears to be learned in attention, and the "
        "words of the answer elsewhere.",
        "refuted": "The assumed division of labour does not hold in this subject: "
        "attention is not the part that must come from the skill's expert.",
        "inconclusive": "Which parts attention and MLPs play is not settled by these seeds.",
    },
)
def component_roles(at: Setting) -> Idea | None:
    """Attention of the first expert with MLPs of the second, against the reverse; no search."""
    if not at.merges_deltas:
        return None
    first, second = at.parents[:2]
    return Idea(
        title="Attention carries the skill",
        statement=(
            f"Taking attention from the {first.name} expert and MLPs from the {second.name} expert "
            "should be more accurate than the reverse."
        ),
        rationale=(
            "What fine-tuning teaches sits in few parameters "
            "{{citep:he2024localize,wang2024localizing}}. Selecting among tokens is attention's "
            "part, so an expert in a skill of selection should be needed there more than in its "
            "MLPs."
        ),
        prediction="attention of the first, MLPs of the second - the reverse >= 0.05 accuracy",
        refuted_by="the mean difference is below 0.05 and the exact test says so",
        cites=("he2024localize", "wang2024localizing"),
        treatment=(arms.component(at, first, second),),
        control=(arms.component(at, second, first),),
        predicted_effect=0.05,
    )
