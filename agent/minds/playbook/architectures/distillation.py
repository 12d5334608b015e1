"""A student learns more from a teacher and labels than from labels, in as many steps."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms, taught
from agent.minds.playbook.family import Idea, Setting, family

TASK = "in_context_recall"
"""Half of its training targets cannot be known, which labels do not say and a teacher does."""


@family(
    "distillation",
    domain="architectures",
    keywords="distil distilled knowledge teacher student compression",
    links={"distilled_experts": 0.5},
    meaning={
        "supported": "In as many steps, this student takes more from a teacher and labels together "
        "than from labels alone. What the teacher's own training took is not part of that account.",
        "refuted": "To the labels, the teacher's distribution adds less than was predicted for "
        "this student.",
        "inconclusive": "What a teacher is worth to this student beyond the labels has not been "
        "settled.",
    },
)
def distillation(at: Setting) -> Idea | None:
    """Linear attention taught by attention, against linear attention on labels alone."""
    task = TASK if arms.has(at, TASK) else at.subject.primary
    one = arms.layer("linear_attention")
    return Idea(
        title="A distilled student learns more than from labels alone",
        statement=(
            "After as many steps, linear attention taught by trained attention and by labels "
            f"should be more accurate {arms.where(at, task)} than linear attention taught by "
            "labels alone. The teacher's own training comes on top and is reported."
        ),
        rationale=(
            "A teacher's whole distribution carries more information than the label "
            "{{citep:hinton2015distilling}}; small language models are commonly taught so "
            "{{citep:gu2024minillm}}."
        ),
        prediction="distilled - labels alone >= 0.05 accuracy",
        refuted_by="the mean difference is below 0.05 and the exact test says so",
        cites=("hinton2015distilling", "gu2024minillm"),
        treatment=(
            taught.distilled(
                at,
                "linear-conv-distilled",
                "Distilled linear attention",
                arms.of(at, one, one),
                arms.attention_body(at),
                task=task,
            ),
        ),
        control=(arms.linear(at, task),),
        predicted_effect=0.05,
        tasks=(task,),
    )
