"""Attention without convolution needs positions."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "positions",
    domain="architectures",
    prior=(2.0, 1.0),
    links={"short_convolution": 0.5},
    meaning={
        "supported": "The causal mask alone does not tell attention its neighbours soon enough; "
        "rotary positions do.",
        "refuted": "Attention learns its neighbours from the causal mask alone, within this "
        "training.",
        "inconclusive": "What positions add to attention differs between seeds.",
    },
)
def positions(at: Setting) -> Idea | None:
    """Rotary positions against none, attention alone."""
    one = arms.layer("softmax_attention", convolution=0, positions="none")
    blind = arms.trained(at, "no-positions", "Attention without positions", arms.of(at, one, one))
    return Idea(
        title="Attention alone needs positions",
        statement=(
            "Without convolutions, attention with rotary positions should be more accurate "
            f"{arms.where(at)} than attention without positions."
        ),
        rationale=(
            "Rotary positions make scores depend on distance {{citep:su2021roformer}}, which a "
            "head that attends to the position before needs {{citep:olsson2022induction}}."
        ),
        prediction="rotary positions - no positions >= 0.10 accuracy",
        refuted_by="the mean difference is below 0.10 and the exact test says so",
        cites=("su2021roformer", "olsson2022induction"),
        treatment=(arms.plain_attention(at),),
        control=(blind,),
        predicted_effect=0.10,
    )
