"""Fewer noise heads than signal heads keep what differential attention has."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "grouped_differential",
    domain="architectures",
    keywords="grouped differential attention GDA Motif",
    links={"differential": 0.5},
    meaning={
        "supported": "Giving noise fewer heads than signal costs less than the margin at as many "
        "parameters.",
        "refuted": "With fewer heads for noise than for signal, differential attention loses more "
        "than the margin at this size.",
        "inconclusive": "Whether the heads for noise can be shared within the margin is left open.",
    },
)
def grouped_differential(at: Setting) -> Idea | None:
    """Non-inferiority of grouped differential to differential attention."""
    equal = (arms.layer("differential_attention", heads=2, depth=depth) for depth in (1, 2))
    shared = (
        arms.layer(
            "grouped_differential_attention",
            signal=4,
            noise=2,
            size=3 * arms.width_of(at) // 16,
            depth=depth,
        )
        for depth in (1, 2)
    )
    grouped = arms.of(at, *shared)
    return Idea(
        title="Differential attention can share its noise heads",
        statement=(
            "Grouped differential attention, with fewer noise heads than signal heads, should be "
            f"no less accurate {arms.where(at)} than differential attention with as many "
            "parameters, both behind short convolutions, within a margin."
        ),
        rationale=(
            "Noise is simpler than signal, so fewer heads may suffice to cancel it "
            "{{citep:lim2025gda}}, which a large model was built on {{citep:lim2025motif2}}."
        ),
        prediction="grouped differential - differential attention > -0.05 accuracy",
        refuted_by="the exact test says that the mean difference is below -0.05",
        cites=("lim2025gda", "lim2025motif2"),
        treatment=(
            arms.trained(
                at,
                "grouped-differential",
                "Grouped differential attention with convolution",
                grouped,
            ),
        ),
        control=(
            arms.trained(
                at,
                "differential-conv",
                "Differential attention with convolution",
                arms.of(at, *equal),
            ),
        ),
        null_effect=-0.05,
        predicted_effect=-0.05,
    )
