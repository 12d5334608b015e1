"""What a world model learned in representations adds up to fewer errors over many steps."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms, taught
from agent.minds.playbook.family import Idea, Setting, family

TASK = "life_rollout"


@family(
    "latent_rollout",
    domain="architectures",
    links={"latent_prediction": 0.5},
    meaning={
        "supported": "A transition between representations that was held to the true states' goes "
        "wrong later when it goes on from its own answers.",
        "refuted": "Errors add up over many steps whether or not representations were predicted.",
        "inconclusive": "How errors add up over many steps differs between seeds.",
    },
)
def latent_rollout(at: Setting) -> Idea | None:
    """The same two world models, many steps on from their own answers."""
    if not arms.has(at, TASK):
        return None
    return Idea(
        title="Latent prediction makes fewer errors over a long rollout",
        statement=(
            "Going on from its own answers for many steps "
            f"{arms.where(at, TASK)}, a world model that learned from few states to predict "
            "representations should be more accurate than the same network trained on the next "
            "state's cells alone."
        ),
        rationale=(
            "An error in a step spoils all later ones, so small gains in a step become large ones "
            "over a rollout; latent prediction was made for imagining far ahead "
            "{{citep:ha2018world,hafner2020dreamer}}."
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
