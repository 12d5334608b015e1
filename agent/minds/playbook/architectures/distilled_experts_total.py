"""Routed experts keep up with a dense student of as many parameters in all."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms, taught
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "distilled_experts_total",
    domain="architectures",
    keywords="mixture of experts MoE distil distilled several domain teachers",
    links={"routed_experts": 0.5, "distilled_experts": 0.5},
    meaning={
        "supported": "Sending each position through some of the experts costs the student less "
        "than the margin, set against a dense one of as many parameters.",
        "refuted": "Set against a dense student of as many parameters in all, routing costs more "
        "than the margin.",
        "inconclusive": "Whether the routed student stays within the margin of a dense one as "
        "large is undecided.",
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
