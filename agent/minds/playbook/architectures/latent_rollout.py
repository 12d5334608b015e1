"""What a world model learned in representations adds up to fewer errors over many steps."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms, taught
from agent.minds.playbook.family import Idea, Setting, family

TASK = "life_rollout"


@family(
    "latent_rollout",
    domain="architectures",
    keywords="world model JEPA Dreamer latent rollout imagination",
    links={"latent_prediction": 0.5},
    meaning={
        "supported": "Going on from its own answers, the model that was also held to "
        "representations goes wrong less often.",
        "refuted": "Over a long rollout, holding the model to representations saves fewer errors "
        "than was predicted.",
        "inconclusive": "Whether representations help a model that goes on from its own answers is "
        "still open.",
    },
)
def latent_rollout(at: Setting) -> Idea | None:
    """The same two world models, many steps on from their own answers."""
    if not arms.has(at, TASK):
        return None
    return Idea(
        title="Latent prediction makes fewer errors over a long rollout",
        statement=(
            "A world model that learned from few states to predict representations should be more "
            f"accurate {arms.where(at, TASK)} than the same network trained on the next state's "
            "cells alone."
        ),
        rationale=(
            "Where a model goes on from its own answers, an error in a step spoils all later ones, "
            "so small gains in a step become large ones over a rollout; latent prediction was made "
            "for imagining far ahead {{citep:ha2018world,hafner2020dreamer}}."
        ),
        prediction="latent prediction - next state alone >= 0.02 accuracy",
        refuted_by="the mean difference is below 0.02 and the exact test says so",
        cites=("ha2018world", "hafner2020dreamer"),
        treatment=(taught.latent_world(at, TASK),),
        control=(taught.plain_world(at, TASK),),
        null_effect=0.0,
        predicted_effect=0.02,
        tasks=(TASK,),
    )
