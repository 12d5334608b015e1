"""Muon learns more than AdamW in as many steps."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "muon",
    domain="architectures",
    keywords="Muon optimiser optimizer orthogonalised",
    meaning={
        "supported": "In as many steps and with the same rates on offer, this model learns more by "
        "the updates of Muon.",
        "refuted": "Muon gains less over AdamW than was predicted. Both were offered the same "
        "rates, and none was sought for Muon alone.",
        "inconclusive": "Whether Muon learns more in as many steps is not apparent from these "
        "pairs.",
    },
)
def muon(at: Setting) -> Idea | None:
    """Muon against AdamW on linear attention with convolution."""
    one = arms.layer("linear_attention")
    body = arms.of(at, one, one)
    return Idea(
        title="Linear attention learns more by Muon than by AdamW in as many steps",
        statement=(
            "After as many steps and at the same learning rates, linear attention trained with "
            f"Muon should be more accurate {arms.where(at)} than trained with AdamW."
        ),
        rationale=(
            "Muon makes the updates of each matrix orthogonal and was reported to need much less "
            "training than AdamW {{citep:liu2025muon}}. Its updates are scaled to those of "
            "AdamW, so both share their rates."
        ),
        prediction="Muon - AdamW >= 0.05 accuracy",
        refuted_by="the mean difference is below 0.05 and the exact test says so",
        cites=("liu2025muon",),
        treatment=(
            arms.trained(
                at, "linear-conv-muon", "Linear attention with Muon", body, optimizer="muon"
            ),
        ),
        control=(arms.linear(at),),
        predicted_effect=0.05,
    )
