"""Up-scaling a shallow model beats training the deep model from scratch, at equal compute."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms, taught
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "depth_upscaling",
    domain="architectures",
    keywords="depth up-scaling upscaling SOLAR growing stacking continued training",
    links={"depth_or_width": 0.5},
    meaning={
        "supported": "At equal operations, a deep model is better grown from a shallow one here. "
        "Growing it also allows more steps, and the test does not tell these apart.",
        "refuted": "At equal operations, the copied layers give a smaller advantage than was "
        "predicted, if they give any.",
        "inconclusive": "It stays undecided whether a deep model is better grown or trained from "
        "scratch with these operations.",
    },
)
def depth_upscaling(at: Setting) -> Idea | None:
    """SOLAR's seam against training from scratch, both at the operations of the latter."""
    one = arms.layer("linear_attention")
    shallow, deep = arms.of(at, one, one, one), arms.of(at, one, one, one, one)
    grown = taught.upscaled(
        at, "upscaled", "Linear attention, up-scaled", shallow, scheme="seam", dropped=1
    )
    whole = arms.trained(at, "from-scratch", "Linear attention, deep from scratch", deep)
    return Idea(
        title="Up-scaling a shallow model beats training the deep model from scratch",
        statement=(
            "At equal operations, a model that was trained shallow, made deeper with copies of its "
            "layers and trained on should be more accurate "
            f"{arms.where(at)} than the deep model trained from scratch."
        ),
        rationale=(
            "Copying the layers of a trained model and training on gave a strong deeper language "
            "model {{citep:kim2024solar}}, and dense models were turned into sparse ones in the "
            "same way {{citep:komatsuzaki2023upcycling}}; a shallow model also takes more steps "
            "with the same operations."
        ),
        prediction="up-scaled - from scratch >= 0.02 accuracy",
        refuted_by="the mean difference is below 0.02 and the exact test says so",
        cites=("kim2024solar", "komatsuzaki2023upcycling"),
        treatment=(taught.hastened(at, grown),),
        control=(taught.hastened(at, whole),),
        predicted_effect=0.02,
    )
