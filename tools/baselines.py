"""The permanent baselines: what a search must be compared with before it may be called better.

The arguments of a tool say by `stands_for()` what a call is: `model` (a model as it is),
`uniform-average`, `task-arithmetic-grid`, `random-search`, `evolution`, `fine-tuning`, or nothing.
"""

from __future__ import annotations

from pydantic import JsonValue

from tools.experiment import Arm, Experiment
from tools.subject import Subject
from tools.tool import find_tool

SEARCHES = ("evolution", "random-search", "task-arithmetic-grid")
_BUDGET = ("evaluations", "dev_items")
_LABELS = {
    "uniform-average": "the uniform average",
    "task-arithmetic-grid": "a task-arithmetic grid of the same budget",
    "random-search": "a random search of the same budget",
    "fine-tuning": "gradient fine-tuning on the same dev items",
}


def missing_baselines(experiment: Experiment, subject: Subject) -> list[str]:
    """What a plan lacks that claims superiority of a search; empty for every other plan.

    Asked for are each parent, the uniform average, a task-arithmetic grid and a random search with
    as many evaluations and dev items as the treatment, joint training where the subject has it, and
    fine-tuning on the same dev items.
    """
    test = experiment.test
    treatment = experiment.arm(test.treatment.arms[0])
    superiority = test.metric == "accuracy" and test.null_effect >= 0
    if not superiority or _kind(treatment) not in SEARCHES:
        return []
    there = {_kind(arm) for arm in experiment.arms if _same_budget(arm, treatment)}
    missing = [
        f"the model {role!r}" for role in _models(subject) if role not in _evaluated(experiment)
    ]
    return missing + [label for kind, label in _LABELS.items() if kind not in there]


def _models(subject: Subject) -> list[str]:
    """Every parent, and the reference that was trained on the parents' data together."""
    return [r.name for r in subject.roles if r.kind == "parent" or r.name == "joint"]


def _evaluated(experiment: Experiment) -> set[str]:
    models = [arm for arm in experiment.arms if _kind(arm) == "model"]
    return {role for arm in models for role in find_tool(arm.tool).needs(arm.arguments)}


def _same_budget(arm: Arm, treatment: Arm) -> bool:
    mine, wanted = _arguments(arm), _arguments(treatment)
    return all(mine[name] == wanted[name] for name in _BUDGET if name in mine and name in wanted)


def _kind(arm: Arm) -> str:
    return find_tool(arm.tool).stands_for(arm.arguments)


def _arguments(arm: Arm) -> dict[str, JsonValue]:
    return find_tool(arm.tool).normal(arm.arguments)
