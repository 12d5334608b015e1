"""Attention alone needs depth more than width."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "depth_or_width",
    domain="architectures",
    keywords="depth width layers shallow deep",
    prior=(2.0, 1.0),
    links={"short_convolution": 0.5},
    meaning={
        "supported": "Without convolutions, parameters are put to better use in a further layer "
        "than in width here. That fits an account of induction as steps that build on each other.",
        "refuted": "A single layer of the same size falls less far behind than was predicted, "
        "which is no support for a strong need of depth on this task.",
        "inconclusive": "Whether depth or width is the better use of parameters is left undecided "
        "by this test.",
    },
)
def depth_or_width(at: Setting) -> Idea | None:
    """Layers of attention against a single one of the same size, without convolution."""
    one = arms.layer("softmax_attention", convolution=0, channel=arms.glu())
    deep = arms.of(at, one, one)
    shallow = arms.trained(at, "shallow", "A single layer", arms.of(at, one), like=deep)
    return Idea(
        title="Attention alone needs depth more than width",
        statement=(
            "Without convolutions, attention in several layers should be more accurate "
            f"{arms.where(at)} than a single layer with as many parameters."
        ),
        rationale=(
            "Induction takes a head that marks each position with what stood before it and a "
            "later head that looks for the mark {{citep:olsson2022induction}}."
        ),
        prediction="several layers - a single layer >= 0.10 accuracy",
        refuted_by="the mean difference is below 0.10 and the exact test says so",
        cites=("olsson2022induction",),
        treatment=(arms.trained(at, "deep", "Several layers", deep),),
        control=(shallow,),
        predicted_effect=0.10,
    )
