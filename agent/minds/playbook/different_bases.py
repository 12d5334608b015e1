"""Merging experts of different bases fails."""

from __future__ import annotations

from agent.minds.playbook import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "different_bases",
    keywords="different bases pretrained linear mode connectivity",
    prior=(2.0, 1.0),
    links={"label_free": 0.5},
    meaning={
        "supported": "Averaging needs the common ancestor: weights of networks trained from "
        "different initialisations do not correspond.",
        "refuted": "The average suffers less from a different base than expected, or "
        "averaging is already poor within a base.",
        "inconclusive": "The cost of a different base is not settled by these seeds.",
    },
)
def different_bases(at: Setting) -> Idea | None:
    """The average of experts of one base against the average with an expert of another base."""
    foreign = at.role("foreign")
    if foreign is None or len(at.parents) < 2:
        return None
    return Idea(
        title="Experts of different bases do not merge",
        statement=(
            "The average of experts of a common base should be more accurate than the average "
            "with an expert that was trained from another base."
        ),
        rationale=(
            "Averaging works inside a basin of the loss "
            "{{citep:frankle2020lmc,wortsman2022soups}}; networks of different initialisation "
            "differ by permutations at least "
            "{{citep:entezari2022permutation,ainsworth2023rebasin}}."
        ),
        prediction="average of one base - average over two bases >= 0.10 accuracy",
        refuted_by="the mean difference is below 0.10 and the exact test says so",
        cites=(
            "frankle2020lmc",
            "wortsman2022soups",
            "entezari2022permutation",
            "ainsworth2023rebasin",
        ),
        treatment=(arms.uniform(at),),
        control=(arms.uniform_with(at, foreign),),
        predicted_effect=0.10,
    )
