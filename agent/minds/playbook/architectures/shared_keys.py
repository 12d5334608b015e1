"""Heads that share keys and values lose no more than a margin."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "shared_keys",
    domain="architectures",
    keywords="grouped-query attention GQA multi-query KV cache",
    prior=(2.0, 1.0),
    meaning={
        "supported": "Heads can share keys and values at a cost below the margin, and the cache "
        "shrinks by their number.",
        "refuted": "A single set of keys and values for all heads costs more than the margin on "
        "this task.",
        "inconclusive": "The test does not say whether heads can share keys and values within the "
        "margin.",
    },
)
def shared_keys(at: Setting) -> Idea | None:
    """Non-inferiority of multi-query attention to attention, both with convolution."""
    one = arms.layer("softmax_attention", groups=1)
    return Idea(
        title="Heads can share keys and values",
        statement=(
            "Attention whose heads share their keys and values should be no less accurate "
            f"{arms.where(at)} than attention with keys and values for every head, within a margin."
        ),
        rationale=(
            "Sharing keys and values among heads shrinks the cache by their number at a small "
            "cost {{citep:shazeer2019mqa,ainslie2023gqa}}."
        ),
        prediction="shared keys - attention with convolution > -0.05 accuracy",
        refuted_by="the exact test says that the mean difference is below -0.05",
        cites=("shazeer2019mqa", "ainslie2023gqa"),
        treatment=(
            arms.trained(at, "shared-keys", "Attention with shared keys", arms.of(at, one, one)),
        ),
        control=(arms.attention(at),),
        null_effect=-0.05,
        predicted_effect=-0.05,
    )
