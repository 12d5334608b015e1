"""Embeddings that start wide let attention learn sooner."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family
from tools.architectures.moves import WIDE_START


@family(
    "wide_embeddings",
    domain="architectures",
    keywords="embedding initialisation start standard deviation scale",
    links={"short_convolution": 0.5},
    meaning={
        "supported": "How wide embeddings start decides within this training what attention alone "
        "learns. A comparison with attention that learned little says something of its start.",
        "refuted": "The start of its embeddings is not what holds attention back here.",
        "inconclusive": "What the start of its embeddings is worth to attention alone stays open.",
    },
)
def wide_embeddings(at: Setting) -> Idea | None:
    """Attention alone, from a wide start of its embeddings against the usual one."""
    bare = arms.layer("softmax_attention", convolution=0)
    wide = arms.of(at, bare, bare, embedding_std=WIDE_START)
    return Idea(
        title="Attention alone learns sooner from embeddings that start wide",
        statement=(
            "After as many steps, attention without convolutions should be more accurate "
            f"{arms.where(at)} when its embeddings start wide than from their usual start."
        ),
        rationale=(
            "Induction is the work of later layers, which still have to tell tokens apart "
            "{{citep:olsson2022induction}}. Where embeddings start narrow, what earlier layers "
            "add outweighs them. Small recall tasks are usually trained from a narrow start "
            "{{citep:arora2024zoology}}."
        ),
        prediction="wide start - usual start >= 0.10 accuracy",
        refuted_by="the mean difference is below 0.10 and the exact test says so",
        cites=("olsson2022induction", "arora2024zoology"),
        treatment=(arms.trained(at, "wide-start", "Attention alone, wide start", wide),),
        control=(arms.plain_attention(at),),
        predicted_effect=0.10,
    )
