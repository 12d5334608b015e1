"""At equal size, attention without channel mixers keeps up."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "channel_mixer",
    domain="architectures",
    keywords="MLP feed-forward attention only",
    meaning={
        "supported": "On this task, giving the parameters of the channel mixers to wider attention "
        "costs less than the margin, if it costs anything.",
        "refuted": "Leaving out the channel mixers costs more than the margin here, even though "
        "attention is wider in return.",
        "inconclusive": "These pairs do not settle whether attention can do without channel mixers "
        "at equal size.",
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
        title="Attention keeps its accuracy without channel mixers",
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
