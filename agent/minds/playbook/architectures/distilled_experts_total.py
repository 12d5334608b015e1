"""Routed experts keep up with a dense student of as many parameters in all."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms, taught
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "distilled_experts_total",
    domain="architectures",
    links={"routed_experts": 0.5, "distilled_experts": 0.5},
    meaning={
        "supported": "A routed student loses little of what all its parameters could learn, at a "
        "fraction of the operations.",
        "refuted": "Routing costs the student part of what as many parameters learn when all take "
        "part.",
        "inconclusive": "What routing costs the student differs between seeds.",
    },
)
def distilled_experts_total(at: Setting) -> Idea | None:
    """Non-inferiority of the routed student to a dense student of equal total parameters."""
    if not arms.has(at, taught.MANY):
        return None
    return Idea(
        title="A routed student of several teachers keeps up with a dense student as large",
        statement=(
            "Taught by a teacher for each domain, attention with routed experts should be no less "
            f"accurate {arms.where(at, taught.MANY)} than attention with dense channel mixers that "
            "has as many parameters in all, within a margin."
        ),
        rationale=(
            "Each position uses some of the experts only {{citep:shazeer2017moe}}, which saves "
            "operations; where domains need different knowledge, little should be lost "
            "{{citep:fedus2022switch,dai2024deepseekmoe}}."
        ),
        prediction="routed student - dense student as large > -0.05 accuracy",
        refuted_by="the exact test says that the mean difference is below -0.05",
        cites=("shazeer2017moe", "fedus2022switch", "dai2024deepseekmoe"),
        treatment=(taught.routed_student(at),),
        control=(taught.large_student(at),),
        null_effect=-0.05,
        predicted_effect=-0.05,
        tasks=(taught.MANY,),
    )
