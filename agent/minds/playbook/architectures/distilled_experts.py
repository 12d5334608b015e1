"""Routed experts take in several domain teachers better than a dense student as active."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms, taught
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "distilled_experts",
    domain="architectures",
    keywords="mixture of experts MoE distil distilled several domain teachers branch train mix",
    links={"routed_experts": 0.5, "distilled_experts_total": 0.5},
    meaning={
        "supported": "With as many parameters active, a student of several teachers gains from "
        "further ones that each position leaves unused.",
        "refuted": "Parameters that a position leaves unused add less than was predicted to what "
        "as many active ones take from the teachers.",
        "inconclusive": "Whether parameters at rest help a student of several teachers is a "
        "question that these pairs leave open.",
    },
)
def distilled_experts(at: Setting) -> Idea | None:
    """Two students of the same domain teachers: routed, and dense at equal active parameters."""
    if not arms.has(at, taught.MANY):
        return None
    return Idea(
        title="A routed student of several teachers beats a dense student as active",
        statement=(
            "Taught by a teacher for each domain, attention with routed experts should be more "
            f"accurate {arms.where(at, taught.MANY)} than attention with dense channel mixers that "
            "has as many active parameters."
        ),
        rationale=(
            "Experts trained apart on their domains can be mixed into a routed model "
            "{{citep:li2022branch,sukhbaatar2024btx}}, and models of different teachers can be "
            "taught to a single student {{citep:wan2024fusellm}}; routing adds parameters without "
            "making a position pay for them {{citep:shazeer2017moe}}."
        ),
        prediction="routed student - dense student >= 0.05 accuracy",
        refuted_by="the mean difference is below 0.05 and the exact test says so",
        cites=("li2022branch", "sukhbaatar2024btx", "wan2024fusellm", "shazeer2017moe"),
        treatment=(taught.routed_student(at),),
        control=(taught.dense_student(at),),
        predicted_effect=0.05,
        tasks=(taught.MANY,),
    )
