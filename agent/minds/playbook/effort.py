"""How much every arm is given: more or less of it, on both sides of a question alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pydantic import JsonValue

from agent.minds.playbook.family import Idea
from sandbox.errors import BadInput
from tools.experiment import Arm
from tools.tool import find_tool


@dataclass(frozen=True)
class Change:
    """Arguments of tools, each times a factor.

    suffix: of the arms' names; words: of their labels.
    """

    suffix: str
    words: str
    factors: Mapping[str, Mapping[str, float]]


UNTAUGHT = frozenset({"evaluate", "merge"})
"""Tools that learn nothing."""


def _effort(suffix: str, words: str, factor: float) -> Change:
    arguments = {
        "finetune": ("steps",),
        "search": ("evaluations",),
        "train_architecture": ("steps", "seconds"),
    }
    return Change(
        suffix, words, {t: dict.fromkeys(names, factor) for t, names in arguments.items()}
    )


TWICE = _effort("twice", "more effort", 2.0)
HALF = _effort("half", "less effort", 0.5)
GENTLER = Change(
    "gentler",
    "gentler rates",
    {"finetune": {"learning_rate": 0.3}, "train_architecture": {"rates": 0.3}},
)
SMALLER = Change("smaller", "smaller batches", {"train_architecture": {"batch": 0.5}})


def given(idea: Idea, change: Change) -> Idea | None:
    """The idea with every arm changed that learns anything; None where one of them cannot be.

    None too where the treatment learns nothing: it has no effort to change.
    """
    compared = (*idea.treatment, *idea.control)
    learned = [arm for arm in compared if arm.tool not in UNTAUGHT]
    changed = _all_changed(learned, change)
    if changed is None or idea.treatment[0].name not in changed:
        return None
    return replace(
        idea,
        treatment=tuple(changed.get(arm.name, arm) for arm in idea.treatment),
        control=tuple(changed.get(arm.name, arm) for arm in idea.control),
        treatment_label=idea.treatment_label and f"{idea.treatment_label}, {change.words}",
        control_label=idea.control_label and _relabelled(idea, changed, change),
        baselines=(),
    )


def alike(arm: Arm, treatment: Arm, evaluations: int) -> Arm:
    """A baseline with the effort that a search as the treatment was given.

    evaluations: of a search whose effort was not changed.
    """
    asked = treatment.arguments.get("evaluations")
    for change in (TWICE, HALF):
        factor = change.factors["search"]["evaluations"]
        if asked != evaluations and asked == _times(evaluations, factor):
            return changed(arm, change) if arm.tool in change.factors else arm
    return arm


def changed(arm: Arm, change: Change) -> Arm:
    """The arm with its arguments changed. Raises BadInput where its tool does not take them."""
    tool = find_tool(arm.tool)
    now = tool.normal(arm.arguments)
    factors = change.factors[arm.tool]
    more = {name: _times(now[name], by) for name, by in factors.items() if now[name]}
    arguments = {**arm.arguments, **more}
    tool.normal(arguments)
    return arm.model_copy(
        update={
            "name": f"{arm.name}-{change.suffix}",
            "label": f"{arm.label}, {change.words}",
            "arguments": arguments,
        }
    )


def _all_changed(learned: Sequence[Arm], change: Change) -> dict[str, Arm] | None:
    """Name -> arm with the change; None where one of them does not take it."""
    if not all(arm.tool in change.factors for arm in learned):
        return None
    try:
        return {arm.name: changed(arm, change) for arm in learned}
    except BadInput:
        return None


def _relabelled(idea: Idea, arms: Mapping[str, Arm], change: Change) -> str:
    """The control's label, which tells of a change where it has any."""
    touched = any(arm.name in arms for arm in idea.control)
    return f"{idea.control_label}, {change.words}" if touched else idea.control_label


def _times(value: JsonValue, factor: float) -> JsonValue:
    if isinstance(value, list):
        return [_times(each, factor) for each in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return max(1, int(value * factor))
    assert isinstance(value, float)
    return round(value * factor, 12)
