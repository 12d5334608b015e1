"""Evolving coefficients layer by layer beats one tuned coefficient an expert."""

from __future__ import annotations

from agent.minds.playbook import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "layerwise_search",
    keywords="layer-wise coefficients evolution",
    prior=(1.5, 1.0),
    links={"composition": 0.5, "guided_search": 0.5},
    meaning={
        "supported": "Where in the network each expert is taken matters, and a search that "
        "may choose it makes use of that freedom.",
        "refuted": "The extra freedom of layer-wise coefficients buys little at this "
        "budget, and the simpler method is to be preferred.",
        "inconclusive": "The gain of layer-wise freedom is too small or too uneven over seeds "
        "to be settled here.",
    },
)
def layerwise_search(at: Setting) -> Idea | None:
    """CMA-ES over layer-wise coefficients against the tuned grid, at equal evaluations."""
    if not at.merges_deltas:
        return None
    return Idea(
        title="Layer-wise evolution beats tuned task arithmetic",
        statement=(
            "At equal evaluations, evolving a coefficient for each expert and parameter group "
            "should be more accurate than the best point of a grid with a single coefficient for "
            "each expert."
        ),
        rationale=(
            "Layers differ in how much of each expert they should take "
            "{{citep:yang2024adamerging}}, and evolution searches such spaces without gradients "
            "{{citep:akiba2025evolutionary,hansen2016cma}}."
        ),
        prediction="evolved merge - tuned task arithmetic >= 0.02 accuracy",
        refuted_by="the mean difference is below 0.02 and the exact test says so",
        cites=("yang2024adamerging", "akiba2025evolutionary", "hansen2016cma"),
        treatment=(arms.evolve(at),),
        control=(arms.grid(at),),
        predicted_effect=0.02,
    )
