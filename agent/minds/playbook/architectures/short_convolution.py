"""A short convolution before attention makes it learn sooner."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "short_convolution",
    domain="architectures",
    keywords="causal short convolution Canon",
    prior=(2.0, 1.0),
    links={"positions": 0.5, "depth_or_width": 0.5},
    meaning={
        "supported": "A few weights over neighbours hasten what attention learns here. That fits "
        "the view that induction begins with attending to the position before.",
        "refuted": "Within this training, the convolution adds less to attention than was "
        "predicted.",
        "inconclusive": "Whether a short convolution hastens what attention learns stays open "
        "after this test.",
    },
)
def short_convolution(at: Setting) -> Idea | None:
    """Attention with convolution against attention alone, at equal steps."""
    return Idea(
        title="A short convolution lets attention learn sooner",
        statement=(
            "After as many steps, attention behind short convolutions should be more accurate "
            f"{arms.where(at)} than attention alone."
        ),
        rationale=(
            "Attention recalls by induction, for which it first has to learn to attend to the "
            "position before {{citep:olsson2022induction}}; a convolution over neighbours gives "
            "it that for a few parameters {{citep:arora2024zoology}}."
        ),
        prediction="attention with convolution - attention alone >= 0.05 accuracy",
        refuted_by="the mean difference is below 0.05 and the exact test says so",
        cites=("olsson2022induction", "arora2024zoology"),
        treatment=(arms.attention(at),),
        control=(arms.plain_attention(at),),
        predicted_effect=0.05,
    )
