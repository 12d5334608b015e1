"""The permanent baselines: what a search must be compared with before it may be called better.

The arguments of a tool say by `stands_for()` what a call is: of merging `model` (a model as it is),
`uniform-average`, `task-arithmetic-grid`, `random-search`, `evolution`, `fine-tuning`,
`method-search` (for the weights of another method than task arithmetic); of
architectures `architecture-evolution`, `architecture-random-search` and the hand-made
`attention-conv`, `hybrid`, `ssd`; or nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

from tools.experiment import Arm, Experiment
from tools.subject import Subject
from tools.tool import find_tool

SEARCHES = ("evolution", "random-search", "task-arithmetic-grid", "method-search")
ARCHITECTURE_SEARCHES = ("architecture-evolution", "architecture-random-search")
_BUDGET = ("evaluations", "dev_items")
_SEARCH = ("evaluations", "search_steps", "search_rate", "search_task", "start", "match", "passes")
_TRAINING = ("task", "size", "changes", "objective", "optimizer", "rates", "steps", "batch")
_LABELS = {
    "uniform-average": "the uniform average",
    "task-arithmetic-grid": "a task-arithmetic grid of the same budget",
    "random-search": "a random search of the same budget",
    "fine-tuning": "gradient fine-tuning on the same dev items",
}
_ARCHITECTURES = {
    "architecture-random-search": "a random search of the same budget",
    "attention-conv": "attention behind short convolutions, trained as the best is",
    "hybrid": "a hybrid of attention and SSD, trained as the best is",
    "ssd": "SSD, trained as the best is",
}


def missing_baselines(experiment: Experiment, subject: Subject) -> list[str]:
    """What a plan lacks that claims superiority of a search; empty for every other plan.

    Asked for are, of a search for a merge, each parent, the uniform average, a task-arithmetic grid
    and a random search with as many evaluations and dev items as the treatment, joint training
    where the subject has it, and fine-tuning on the same dev items; of a search for an
    architecture, a random search with the same starts, size and budget, and the hand-made
    architectures of the known order, trained in full as the best one found is.
    """
    test = experiment.test
    treatment = experiment.arm(test.treatment.arms[0])
    if test.metric != "accuracy" or test.null_effect < 0:
        return []
    if _kind(treatment) in ARCHITECTURE_SEARCHES:
        there = {_kind(arm) for arm in experiment.arms if _same(arm, treatment, _shared(arm))}
        return [label for kind, label in _ARCHITECTURES.items() if kind not in there]
    if _kind(treatment) not in SEARCHES:
        return []
    there = {_kind(arm) for arm in experiment.arms if _same(arm, treatment, _BUDGET)}
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


def _shared(arm: Arm) -> Sequence[str]:
    """What an arm must have in common with a search of architectures."""
    return _TRAINING + (_SEARCH if _kind(arm) in ARCHITECTURE_SEARCHES else ())


def _same(arm: Arm, treatment: Arm, names: Sequence[str]) -> bool:
    """Whether all of these arguments that both have are equal."""
    mine, wanted = _arguments(arm), _arguments(treatment)
    return all(mine[name] == wanted[name] for name in names if name in mine and name in wanted)


def _kind(arm: Arm) -> str:
    return find_tool(arm.tool).stands_for(arm.arguments)


def _arguments(arm: Arm) -> dict[str, JsonValue]:
    return find_tool(arm.tool).normal(arm.arguments)
