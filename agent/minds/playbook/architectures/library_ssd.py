"""State space duality keeps up with the Mamba-2 of the transformers library."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family
from tools.architectures.foreign import Foreign


@family(
    "library_ssd",
    domain="architectures",
    keywords="transformers library Hugging Face reference implementation",
    prior=(3.0, 1.0),
    links={"library_attention": 0.5},
    meaning={
        "supported": "The state space duality of this run loses less than the margin, if anything, "
        "to the one that others wrote.",
        "refuted": "The one that others wrote is ahead of the state space duality of this run by "
        "more than the margin, so that comparisons with it are with a weak arm.",
        "inconclusive": "How the state space duality of this run stands to the one that others "
        "wrote remains open.",
    },
)
def library_ssd(at: Setting) -> Idea | None:
    """Non-inferiority of SSD to the library's Mamba-2 of the same size."""
    if not arms.library_takes(at.subject.primary):
        return None
    theirs = arms.library(at, "library-ssd", "State space model of the library", "mamba2")
    return Idea(
        title="State space duality keeps up with that of the library",
        statement=(
            "State space duality built of the blocks of this run should be no less accurate "
            f"{arms.where(at)} than a state space model of the same size that the transformers "
            "library builds, within a margin."
        ),
        rationale=(
            "Both compute the same recurrence {{citep:dao2024mamba2}} with other choices around "
            "it, and such choices can matter more than the mechanism {{citep:narang2021transfer}}."
        ),
        prediction="SSD of the library's size - state space model of the library > -0.05 accuracy",
        refuted_by="the exact test says that the mean difference is below -0.05",
        cites=("dao2024mamba2", "narang2021transfer"),
        treatment=(
            arms.trained(
                at,
                "ssd-as-large",
                "SSD of the library's size",
                arms.of(at, arms.ssd_layer(at), arms.ssd_layer(at)),
                like=Foreign.model_validate(theirs.arguments["architecture"]),
            ),
        ),
        control=(theirs,),
        null_effect=-0.05,
        predicted_effect=-0.05,
    )
