"""Evolution finds a better architecture than random search, at equal trials."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms, searches
from agent.minds.playbook.family import Idea, Setting, family


@family(
    "evolution",
    domain="architectures",
    keywords="evolution evolutionary search NAS architecture search",
    prior=(1.0, 2.0),
    meaning={
        "supported": "With this few candidates, the way of searching contributes something beyond "
        "the grammar that both searches share.",
        "refuted": "Evolution adds less than was predicted to a random search of the same grammar, "
        "so random search stays the baseline to report.",
        "inconclusive": "It cannot be told from these pairs whether evolution adds to the grammar "
        "that it searches.",
    },
)
def evolution(at: Setting) -> Idea | None:
    """Regularised evolution against random search over the same grammar, at equal size."""
    return Idea(
        title="Evolution finds better architectures than random search",
        statement=(
            "From the same start, with as many candidates of the same size trained for as many "
            "steps, the best architecture of regularised evolution should be more accurate "
            f"{arms.where(at)} than the best of random search."
        ),
        rationale=(
            "Evolution that lets its oldest members die has found architectures at least as good "
            "as other searches {{citep:real2019regularized}}, while random search is hard to pass "
            "when the space is good {{citep:li2020nasbaseline,bergstra2012random}}."
        ),
        prediction="evolved architecture - best of random search >= 0.02 accuracy",
        refuted_by="the mean difference is below 0.02 and the exact test says so",
        cites=("real2019regularized", "li2020nasbaseline", "bergstra2012random"),
        treatment=(searches.evolved(at),),
        control=(searches.random_search(at),),
        predicted_effect=0.02,
    )
