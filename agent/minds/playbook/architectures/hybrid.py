"""A layer of attention restores what a small state forgets."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "hybrid",
    domain="architectures",
    keywords="hybrid Mamba Jamba Samba interleaved attention",
    links={"constant_state": -0.5},
    meaning={
        "supported": "Next to a small state, a layer of attention adds at least what was "
        "predicted, while only that layer keeps a cache that grows.",
        "refuted": "Next to a small state, a layer of attention adds less than was predicted.",
        "inconclusive": "It is not decided whether a layer of attention makes up for a small "
        "state.",
    },
)
def hybrid(at: Setting) -> Idea | None:
    """Attention then a small state, against a small state in both layers."""
    small = arms.ssd_layer(at, size=arms.width_of(at) // 8, expansion=1.25)
    look = arms.layer("softmax_attention")
    return Idea(
        title="A layer of attention restores what a small state forgets",
        statement=(
            "With a small state, a layer of attention followed by a layer of state space duality "
            f"should be more accurate {arms.where(at)} than state space duality in both layers."
        ),
        rationale=(
            "What a state holds is bounded by its size "
            "{{citep:arora2024based,jelassi2024repeat}}, and hybrids add a few layers of "
            "attention for what has to be looked up {{citep:lieber2024jamba,glorioso2024zamba}}."
        ),
        prediction="attention then small SSD - small SSD >= 0.10 accuracy",
        refuted_by="the mean difference is below 0.10 and the exact test says so",
        cites=(
            "arora2024based",
            "jelassi2024repeat",
            "lieber2024jamba",
            "glorioso2024zamba",
        ),
        treatment=(
            arms.trained(at, "small-hybrid", "Attention then small SSD", arms.of(at, look, small)),
        ),
        control=(arms.trained(at, "small-ssd", "Small SSD", arms.of(at, small, small)),),
        predicted_effect=0.10,
    )
