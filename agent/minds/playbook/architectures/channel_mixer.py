"""At equal size, attention without channel mixers keeps up."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "channel_mixer",
    domain="architectures",
    meaning={
        "supported": "The task asks for looking up and not for computing, so parameters are not "
        "missed in channel mixers.",
        "refuted": "A channel mixer is worth its parameters even here, where values only have to "
        "be looked up.",
        "inconclusive": "Whether a channel mixer is worth its parameters differs between seeds.",
    },
)
def channel_mixer(at: Setting) -> Idea | None:
    """Non-inferiority of attention alone to narrower attention with SwiGLU."""
    narrow = 3 * arms.width_of(at) // 4
    one = arms.layer("softmax_attention", channel=arms.glu())
    mixed = arms.trained(
        at,
        "narrow-attention-glu",
        "Narrower attention with SwiGLU",
        arms.of(at, one, one, width=narrow),
        like=arms.attention_body(at),
    )
    return Idea(
        title="Attention needs no channel mixer here",
        statement=(
            f"Attention without channel mixers should be no less accurate {arms.where(at)} than "
            "narrower attention that spends the difference on SwiGLU, within a margin."
        ),
        rationale=(
            "Gated channel mixers improve language models {{citep:shazeer2020glu}} by what they "
            "compute and store position by position; recall asks for neither "
            "{{citep:poli2024mad}}."
        ),
        prediction="attention with convolution - narrower attention with SwiGLU > -0.05 accuracy",
        refuted_by="the exact test says that the mean difference is below -0.05",
        cites=("shazeer2020glu", "poli2024mad"),
        treatment=(arms.attention(at),),
        control=(mixed,),
        null_effect=-0.05,
        predicted_effect=-0.05,
    )
