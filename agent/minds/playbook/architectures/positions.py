"""Attention without convolution needs positions."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "positions",
    domain="architectures",
    keywords="rotary RoPE NoPE position embeddings",
    prior=(2.0, 1.0),
    links={"short_convolution": 0.5},
    meaning={
        "supported": "Within this training, the causal mask does not give attention what rotary "
        "positions give it.",
        "refuted": "Rotary positions add less to the causal mask than was predicted within this "
        "training. Had neither arm learned the task, that would say little of positions.",
        "inconclusive": "What rotary positions are worth to attention alone is not resolved.",
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
