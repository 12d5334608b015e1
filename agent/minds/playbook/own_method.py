"""A merge method that is not built in composes no less than task arithmetic, both tuned alike."""

from __future__ import annotations

from agent.minds.playbook import arms
from agent.minds.playbook.family import Idea, Setting, family
from agent.minds.playbook.followups import lower
from agent.own_code import FAMILIES
from tools.experiment import Arm
from tools.merging.own_method import OwnMethod, brought_methods

MARGIN = -0.05
MEANING = {
    "supported": "With its weights chosen as carefully, the method that was brought loses less "
    "than the margin in the place of task arithmetic, if it loses anything.",
    "refuted": "With its weights chosen as carefully, the method that was brought loses more than "
    "the margin in the place of task arithmetic.",
    "inconclusive": "Whether the method that was brought stays within the margin of task "
    "arithmetic is not settled by these pairs.",
}


def own_method(at: Setting, number: int) -> Idea | None:
    """Non-inferiority of the subject's method of that number; none where there are fewer."""
    methods = tuple(brought_methods(at.subject).values())
    if not at.merges_deltas or number >= len(methods):
        return None
    method, control = methods[number], arms.grid(at)
    if method.most_models < len(at.parents):
        return None
    treatment = _tuned(control, method)
    name, other = treatment.label, control.label
    return Idea(
        title=f"{name} keeps up with {lower(other)}",
        statement=(
            f"With weights from the same grid on the same labelled items, {lower(name)} should be "
            f"at least as accurate as {lower(other)}, within a margin."
        ),
        rationale=(
            "Task arithmetic with tuned coefficients is hard to pass {{citep:ilharco2023task}}, "
            "and in a large study it was the method that gained most reliably "
            "{{citep:hitit2025systematic}}: a new method earns its place beside it, tuned as "
            "carefully."
        ),
        prediction=f"{lower(name)} - {lower(other)} > {MARGIN} accuracy",
        refuted_by=f"the exact test says that the mean difference is below {MARGIN}",
        cites=("ilharco2023task", "hitit2025systematic"),
        treatment=(treatment,),
        control=(control,),
        null_effect=MARGIN,
        predicted_effect=MARGIN,
        baselines=(*arms.base(at), *arms.parents(at), arms.uniform(at)),
    )


def _tuned(grid: Arm, method: OwnMethod) -> Arm:
    """The same grid over the weights of another method."""
    return grid.model_copy(
        update={
            "name": f"own-{method.name.replace('_', '-')}",
            "label": f"Tuned {lower(method.label)}",
            "arguments": {
                **grid.arguments,
                "method": method.name,
                "own_methods": {method.name: method.digest},
            },
        }
    )


def _declare(number: int, name: str) -> None:
    @family(name, domain="merging", meaning=MEANING)
    def think(at: Setting) -> Idea | None:
        return own_method(at, number)


for _number, _name in enumerate(FAMILIES["merge_method"]):
    _declare(_number, _name)
