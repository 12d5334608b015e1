"""Which fields of a topic may stand together, by its domain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sandbox.errors import BadInput
from tools.kind import kinds_of

if TYPE_CHECKING:
    from agent.topic import Topic

OF_ARCHITECTURES = ("sequence_tasks", *(kind.setting for kind in kinds_of("architectures")))
OF_MERGING = (
    "models", "base", "tasks", "evaluations", *(kind.setting for kind in kinds_of("merging"))
)  # fmt: skip


def check_coherent(topic: Topic, name: str) -> None:
    """Raise BadInput or UnknownName where fields of the topic contradict one another."""
    from agent.minds.mind import check_mind
    from agent.minds.playbook.family import find_family

    _CHECKS[topic.domain](topic, name)
    check_mind(topic.mind)
    if topic.repeat and not topic.memory:
        raise BadInput(
            f"{name}: repeat is about what is remembered, and memory is off",
            "add memory: true, or leave repeat out: without memory all questions are asked",
        )
    for family in topic.first:
        about = find_family(family).domain
        if about != topic.domain:
            raise BadInput(
                f"{name}: the hypothesis family {family!r} is about {about}",
                f"name families about {topic.domain}, see docs/tables.md",
            )


def _check_merging(topic: Topic, name: str) -> None:
    for field in OF_ARCHITECTURES:
        if getattr(topic, field):
            raise BadInput(
                f"{name}: {field} are for domain: architectures", "set it, or leave them out"
            )
    if topic.models and not topic.tasks:
        raise BadInput(
            f"{name}: models are given but no tasks", "add tasks: with a JSONL file each"
        )
    if topic.tasks and not topic.models:
        raise BadInput(f"{name}: tasks are given but no models", "add models: with two checkpoints")


def _check_architectures(topic: Topic, name: str) -> None:
    from agent.minds.playbook.architectures.arms import GATE_TASK

    for field in OF_MERGING:
        if getattr(topic, field):
            raise BadInput(
                f"{name}: {field} is for domain: merging; architectures are trained from scratch",
                f"leave {field} out; sequence_tasks names other tasks",
            )
    if topic.sequence_tasks and GATE_TASK not in topic.sequence_tasks:
        raise BadInput(
            f"{name}: sequence_tasks lacks {GATE_TASK}, on which the known order is reproduced",
            f"add {GATE_TASK}; the first task named is the primary one",
        )
    _check_sequence_tasks(topic.sequence_tasks, name)


def _check_sequence_tasks(tasks: Sequence[str], name: str) -> None:
    from tools.tasks.sequence import find_sequence_task

    twice = [task for at, task in enumerate(tasks) if task in tasks[:at]]
    if twice:
        raise BadInput(f"{name}: sequence_tasks names {twice[0]} twice", "name each task once")
    if tasks and find_sequence_task(tasks[0]).scored != "accuracy":
        raise BadInput(
            f"{name}: sequence_tasks begins with {tasks[0]}, which is scored in bits, and the "
            "primary task decides by accuracy",
            f"name another task first, such as {tasks[1]}" if tasks[1:] else "name another first",
        )


_CHECKS = {"merging": _check_merging, "architectures": _check_architectures}
