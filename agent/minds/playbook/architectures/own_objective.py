"""An objective that is not built in teaches no less than the labels alone, in as many steps."""

from __future__ import annotations

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Idea, Setting, family
from agent.minds.playbook.followups import lower
from agent.own_code import FAMILIES
from tools.architectures.own_objective import OwnObjective, brought_objectives
from tools.experiment import Arm

MARGIN = -0.05
MEANING = {
    "supported": "In as many steps, the same model taught by the objective that was brought loses "
    "less than the margin against next-token training, if it loses anything.",
    "refuted": "In as many steps, the same model taught by the objective that was brought loses "
    "more than the margin against next-token training.",
    "inconclusive": "Whether the objective that was brought stays within the margin of next-token "
    "training is not settled by these pairs.",
}


def own_objective(at: Setting, number: int) -> Idea | None:
    """Non-inferiority of the subject's objective of that number; none where there are fewer."""
    objectives = tuple(brought_objectives(at.subject).values())
    if number >= len(objectives):
        return None
    objective, control = objectives[number], arms.attention(at)
    treatment = taught(control, objective)
    name = lower(objective.label)
    return Idea(
        title=f"Training by {name} keeps up with next-token training",
        statement=(
            f"The same model, taught by {name} in as many steps and at a rate chosen as carefully, "
            f"should be at least as accurate {arms.where(at)} as when it is taught by next-token "
            "training, within a margin."
        ),
        rationale=(
            "A new objective earns its place beside the plain one on the same model, data and "
            "budget, with its learning rate chosen as carefully; gains over a baseline that was "
            "given less do not last {{citep:lipton2018troubling,narang2021transfer}}."
        ),
        prediction=f"{treatment.label} - {control.label} > {MARGIN} accuracy",
        refuted_by=f"the exact test says that the mean difference is below {MARGIN}",
        cites=("lipton2018troubling", "narang2021transfer"),
        treatment=(treatment,),
        control=(control,),
        null_effect=MARGIN,
        predicted_effect=MARGIN,
    )


def taught(control: Arm, objective: OwnObjective) -> Arm:
    """The control's model, data, steps and rates, with another loss."""
    return control.model_copy(
        update={
            "name": f"taught-{objective.name.replace('_', '-')}",
            "label": f"{control.label} taught by {lower(objective.label)}",
            "arguments": {
                **control.arguments,
                "objective": {"name": objective.name, "parameters": {}},
                "own_objectives": {objective.name: objective.digest},
            },
        }
    )


def _declare(number: int, name: str) -> None:
    @family(name, domain="architectures", meaning=MEANING)
    def think(at: Setting) -> Idea | None:
        return own_objective(at, number)


for _number, _name in enumerate(FAMILIES["objective"]):
    _declare(_number, _name)
