"""Learning several answers ahead helps the next answer, at equal steps."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms, taught
from agent.minds.playbook.family import Idea, Setting, family

AHEAD = 2
"""Answers that are learned at each position; each further one costs a layer."""


@family(
    "multi_token",
    domain="architectures",
    keywords="multi-token prediction MTP",
    meaning={
        "supported": "In as many steps, having to learn answers further ahead serves the next "
        "answer on this task. The layers for them took operations that the control was not given.",
        "refuted": "Answers further ahead do less for the next answer than was predicted in as "
        "many steps.",
        "inconclusive": "It remains open whether answers further ahead help with the next one.",
    },
)
def multi_token(at: Setting) -> Idea | None:
    """Several tokens ahead as an auxiliary objective, against the next alone."""
    task = next((name for name in taught.RUNS if arms.has(at, name)), "")
    if not task:
        return None
    bare = arms.layer("softmax_attention", convolution=0)
    body, label = arms.of(at, bare, bare), "Attention, several answers ahead"
    several = taught.aimed(
        at, "attention-ahead", label, body, "multi_token", task=task, heads=AHEAD
    )
    alone = arms.trained(at, "attention-next", "Attention, the next answer", body, task=task)
    return Idea(
        title="Predicting several answers ahead teaches the next answer",
        statement=(
            "After as many steps, attention that also learned the answers after the next, each "
            f"with a further layer that is dropped afterwards, should be more accurate "
            f"{arms.where(at, task)} than attention that learned the next answer alone."
        ),
        rationale=(
            "Predicting several tokens at once gives more signal for each sequence and was kept as "
            "an auxiliary objective of a large model {{citep:deepseek2024v3}}; attention has to "
            "find what it copies from in any case {{citep:olsson2022induction}}."
        ),
        prediction="several ahead - next alone >= 0.02 accuracy",
        refuted_by="the mean difference is below 0.02 and the exact test says so",
        cites=("deepseek2024v3", "olsson2022induction"),
        treatment=(taught.hastened(at, several),),
        control=(taught.hastened(at, alone),),
        predicted_effect=0.02,
        tasks=(task,),
    )
