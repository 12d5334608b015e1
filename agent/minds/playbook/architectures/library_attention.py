"""Attention behind short convolutions keeps up with the Llama of the transformers library."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "library_attention",
    domain="architectures",
    keywords="transformers library Hugging Face Llama reference implementation",
    prior=(3.0, 1.0),
    meaning={
        "supported": "The attention that other arms are held against loses less than the margin, "
        "if anything, to a model that others wrote.",
        "refuted": "A model that others wrote is ahead of the attention that other arms are held "
        "against by more than the margin, so those comparisons are with a weak baseline.",
        "inconclusive": "How the attention that other arms are held against stands to a model that "
        "others wrote is not settled by these pairs.",
    },
)
def library_attention(at: Setting) -> Idea | None:
    """Non-inferiority of attention with convolution and SwiGLU to Llama of the same size."""
    if not arms.library_takes(at.subject.primary):
        return None
    return Idea(
        title="Attention with convolution keeps up with the library's Llama",
        statement=(
            "Attention with SwiGLU behind short convolutions, built of the blocks of this run, "
            f"should be no less accurate {arms.where(at)} than a Llama of the same size that the "
            "transformers library builds, within a margin."
        ),
        rationale=(
            "A baseline that is written for a comparison can be weak without anybody noticing "
            "{{citep:narang2021transfer}}; a row by others, with rotary positions "
            "{{citep:su2021roformer}} and SwiGLU {{citep:shazeer2020glu}}, shows where it stands."
        ),
        prediction="attention with convolution and SwiGLU - Llama > -0.05 accuracy",
        refuted_by="the exact test says that the mean difference is below -0.05",
        cites=("narang2021transfer", "su2021roformer", "shazeer2020glu"),
        treatment=(arms.mixed_attention(at),),
        control=(arms.library(at, "llama", "Llama of the library", "llama", expansion=1.0),),
        null_effect=-0.05,
        predicted_effect=-0.05,
    )
