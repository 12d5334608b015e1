"""A latent of keys and values loses no more than a margin."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "latent_cache",
    domain="architectures",
    keywords="multi-head latent attention MLA DeepSeek KV cache",
    links={"shared_keys": 0.5},
    meaning={
        "supported": "A narrow latent stands for keys and values at a cost below the margin, and "
        "what it buys is a smaller cache.",
        "refuted": "Caching a narrow latent in place of keys and values costs more than the margin "
        "on this task.",
        "inconclusive": "Whether a narrow latent suffices in place of keys and values is not "
        "answered by these pairs.",
    },
)
def latent_cache(at: Setting) -> Idea | None:
    """Non-inferiority of latent attention to attention, both with convolution."""
    one = arms.layer(
        "latent_attention", latent=arms.width_of(at) // 2, rotary=arms.width_of(at) // 8
    )
    return Idea(
        title="A latent can stand for keys and values",
        statement=(
            "Attention that caches a narrow latent in place of keys and values should be no less "
            f"accurate {arms.where(at)} than attention that caches both, within a margin."
        ),
        rationale=(
            "Keys and values made from a common latent were reported to cost nothing in quality "
            "while the cache shrinks {{citep:deepseek2024v2}}."
        ),
        prediction="latent attention - attention with convolution > -0.05 accuracy",
        refuted_by="the exact test says that the mean difference is below -0.05",
        cites=("deepseek2024v2",),
        treatment=(arms.trained(at, "latent", "Latent attention", arms.of(at, one, one)),),
        control=(arms.attention(at),),
        null_effect=-0.05,
        predicted_effect=-0.05,
    )
