"""Decay by feature and input beats a fixed decay."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "vector_decay",
    domain="architectures",
    keywords="gated linear attention GLA RetNet retention",
    prior=(1.5, 1.0),
    meaning={
        "supported": "Choosing from the input what to forget is worth its parameters here, "
        "compared with forgetting at a fixed rate.",
        "refuted": "To choose the decay from the input brings less over a fixed rate than was "
        "predicted.",
        "inconclusive": "The worth of a decay that the input chooses is left uncertain by these "
        "pairs.",
    },
)
def vector_decay(at: Setting) -> Idea | None:
    """Gated linear attention against retention, both with convolution."""
    width = arms.width_of(at)
    chosen = arms.layer(
        "gated_linear_attention", heads=2, keys=width // 2, rank=width // 16, temperature=128.0
    )
    fixed = arms.layer("retention", heads=2)
    return Idea(
        title="A decay chosen by the input beats a fixed decay",
        statement=(
            "Gated linear attention, whose memory fades by feature and input, should be more "
            f"accurate {arms.where(at)} than retention, whose memory fades at a fixed rate."
        ),
        rationale=(
            "Retention forgets by age alone {{citep:sun2023retnet}}; gated linear attention "
            "chooses from the input what each feature forgets {{citep:yang2024gla}}."
        ),
        prediction="gated linear attention - retention >= 0.05 accuracy",
        refuted_by="the mean difference is below 0.05 and the exact test says so",
        cites=("sun2023retnet", "yang2024gla"),
        treatment=(arms.trained(at, "gla", "Gated linear attention", arms.of(at, chosen, chosen)),),
        control=(arms.trained(at, "retention", "Retention", arms.of(at, fixed, fixed)),),
        predicted_effect=0.05,
    )
