"""A sequence task that a person or a mind wrote, as its file's text says; see `tools.own_code`."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from sandbox.errors import BadInput
from sandbox.records import Seam
from tools.folder_digest import file_digest
from tools.kind import KINDS
from tools.own_code import Grammar, OwnCode, brought_code, literal
from tools.subject import Subject
from tools.tasks.sequence import ProfileName
from tools.tasks.task import Drawn

TASK = Grammar(
    noun=KINDS["task"].noun,
    decorator=KINDS["task"].decorator,
    node=ast.FunctionDef,
    allowed=(
        "__future__", "cmath", "collections", "dataclasses", "enum", "functools", "itertools",
        "math", "numpy", "operator", "sandbox.errors", "tools.tasks.drawn", "typing",
    ),
    built_in=Path(__file__).parent / "suite",
    see="see docs/own-tasks.md",
)  # fmt: skip
SUITE = replace(TASK, decorator="sequence_task")
"""How those of the product are declared, for their names."""
MOST_VOCABULARY, LONGEST = 512, 128
COUNTS: Mapping[ProfileName, tuple[int, int, int]] = {
    "quick": (12_800, 320, 640),
    "default": (25_600, 640, 1280),
    "paper": (25_600, 1000, 3000),
}
"""Sequences for training, development and test."""


@dataclass(frozen=True)
class OwnTask(OwnCode):
    """What its file says of a task. chance: accuracy of the best constant answer, as stated."""

    seam: ClassVar[Seam] = "task"
    vocabulary: int
    length: int
    classes: int
    chance: float

    def drawn(self, size: ProfileName) -> Drawn:
        """How much of it there is."""
        train, dev, test = COUNTS[size]
        return Drawn(self.vocabulary, self.length, self.classes, train, dev, test)


def brought_tasks(subject: Subject) -> dict[str, OwnTask]:
    """The tasks that the subject brings, by name."""
    found = brought_code(subject).values()
    return {own.name: own for own in found if isinstance(own, OwnTask)}


def read_own_task(path: Path) -> OwnTask:
    """The task that a file declares, as its text says. Raises BadInput with one sentence."""
    name, function, call = TASK.read(path)
    assert isinstance(function, ast.FunctionDef)
    if name in SUITE.names():
        raise BadInput(f"{path.name}: a built-in task is called {name!r}", "choose another name")
    if len(function.args.args) != 2 or function.args.vararg or function.args.kwonlyargs:
        raise BadInput(
            f"{path.name}: {function.name} must take the generator and the number of sequences",
            f"write def {function.name}(draw: np.random.Generator, count: int) -> Batch",
        )
    vocabulary = _whole(path, call, "vocabulary", 2, MOST_VOCABULARY)
    length = _whole(path, call, "length", 2, LONGEST)
    classes = _whole(path, call, "classes", 2, MOST_VOCABULARY, vocabulary)
    chance = literal(path, call, "chance", None)
    if not isinstance(chance, float) or not 0 < chance < 1:
        raise BadInput(
            f"{path.name}: chance is {chance!r}",
            "state the accuracy of the best constant answer, above 0 and below 1, such as 0.125",
        )
    return OwnTask(name, path, file_digest(path), vocabulary, length, classes, chance)


def _whole(
    path: Path, call: ast.Call, name: str, least: int, most: int, default: int | None = None
) -> int:
    value = literal(path, call, name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise BadInput(f"{path.name}: {name} is {value!r}", f"give {least} to {most}")
    return value
