"""A world model that predicts representations learns a step better than from cells alone."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms, taught
from agent.minds.playbook.family import Idea, Setting, family

TASK = "life"


@family(
    "latent_prediction",
    domain="architectures",
    keywords="world model JEPA Dreamer latent representation",
    links={"latent_rollout": 0.5},
    meaning={
        "supported": "From few states, being held to representations as well teaches a transition "
        "more than the next state's cells alone. Several losses were added at once, and the test "
        "does not tell them apart.",
        "refuted": "The added losses on representations teach less than was predicted beyond the "
        "cells of the next state.",
        "inconclusive": "Whether representations teach a transition something that cells do not is "
        "undecided.",
    },
)
def latent_prediction(at: Setting) -> Idea | None:
    """Latent prediction against next-state prediction, in the same network."""
    if not arms.has(at, TASK):
        return None
    return Idea(
        title="Predicting the next state's representation teaches a world's rule",
        statement=(
            "Learning from few states, a world model that is also held to the representation of "
            "the next state, and to decoding the present state, should be more accurate "
            f"{arms.where(at, TASK)} than the same network trained on the next state's cells alone."
        ),
        rationale=(
            "World models learn a transition between representations and act on what they imagine "
            "{{citep:ha2018world,hafner2020dreamer}}; agreeing with the next representation was "
            "given a loss of its own there {{citep:hafner2023dreamerv3}}."
        ),
        prediction="latent prediction - next state alone >= 0.02 accuracy",
        refuted_by="the mean difference is below 0.02 and the exact test says so",
        cites=("ha2018world", "hafner2020dreamer", "hafner2023dreamerv3"),
        treatment=(taught.latent_world(at, TASK),),
        control=(taught.plain_world(at, TASK),),
        null_effect=0.0,
        predicted_effect=0.02,
        tasks=(TASK,),
    )
