"""Attention recalls more than convolutions over all lags."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "long_convolution",
    domain="architectures",
    keywords="Hyena long convolution H3",
    prior=(2.0, 1.0),
    meaning={
        "supported": "Attention keeps at least the predicted lead over gated convolutions over all "
        "lags, in line with the view that a filter which is fixed for every input cannot look for "
        "a key.",
        "refuted": "Gated convolutions over all lags come closer to attention than was predicted "
        "on this task.",
        "inconclusive": "How far convolutions over all lags stay behind attention, if they do, is "
        "not settled.",
    },
)
def long_convolution(at: Setting) -> Idea | None:
    """Attention against Hyena, both with convolution."""
    one = arms.layer("long_convolution", filter="implicit")
    return Idea(
        title="Attention beats convolutions over all lags",
        statement=(
            f"Attention should be more accurate {arms.where(at)} than larger gated convolutions "
            "over all lags, both behind short convolutions."
        ),
        rationale=(
            "The filter of a long convolution is the same for every input "
            "{{citep:poli2023hyena}}, which was found to explain most of its distance to "
            "attention {{citep:arora2024zoology}}."
        ),
        prediction="attention with convolution - long convolution >= 0.10 accuracy",
        refuted_by="the mean difference is below 0.10 and the exact test says so",
        cites=("poli2023hyena", "arora2024zoology"),
        treatment=(arms.attention(at),),
        control=(arms.trained(at, "hyena", "Long convolution", arms.of(at, one, one)),),
        predicted_effect=0.10,
    )
