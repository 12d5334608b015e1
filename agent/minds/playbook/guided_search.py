"""CMA-ES beats random search over the same coefficients."""

from __future__ import annotations

from agent.minds.playbook import arms
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "guided_search",
    keywords="evolution CMA-ES evolutionary random search",
    links={"layerwise_search": 0.5},
    meaning={
        "supported": "The search's adaptation, and not only the space that it searches, "
        "contributes to the result.",
        "refuted": "Most of the gain lies in the space of coefficients rather than in how "
        "it is searched; random search is the baseline to report.",
        "inconclusive": "Whether adaptation contributes beyond the space itself cannot be told "
        "from these seeds.",
    },
)
def guided_search(at: Setting) -> Idea | None:
    """CMA-ES against random search in the same space, at equal evaluations."""
    if not at.merges_deltas:
        return None
    return Idea(
        title="Evolution beats random search",
        statement=(
            "At equal evaluations in the same space of coefficients, CMA-ES should be more "
            "accurate than random search."
        ),
        rationale=(
            "Random search is the baseline that guided search must pass "
            "{{citep:bergstra2012random}} and sometimes does not {{citep:li2020nasbaseline}}; "
            "CMA-ES adapts its steps to the landscape {{citep:hansen2001cma}}."
        ),
        prediction="evolved merge - random search >= 0.02 accuracy",
        refuted_by="the mean difference is below 0.02 and the exact test says so",
        cites=("bergstra2012random", "li2020nasbaseline", "hansen2001cma"),
        treatment=(arms.evolve(at),),
        control=(arms.random_search(at),),
        predicted_effect=0.02,
    )
