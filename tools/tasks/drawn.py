"""A sequence task of one's own: how a file declares it, and what its function has to draw.

    @drawn_task("late_copy", source="where it is from", vocabulary=16, length=24, chance=0.125)
    def late_copy(draw: np.random.Generator, count: int) -> Batch:
        return Batch(tokens, targets)

Whatever is known of the task outside of a sandbox stands written out in the decorator; how many
sequences there are, and which of them are for training and which for the test, is not its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import catalogue

from tools.tasks.sequence import NOT_ASKED, Batch

if TYPE_CHECKING:
    import numpy as np

__all__ = ["NOT_ASKED", "Batch", "DrawnTask", "all_drawn_tasks", "drawn_task"]
_tasks = catalogue.create("hanji", "drawn_tasks")
Draw = TypeVar("Draw", bound="Callable[[np.random.Generator, int], Batch]")


@dataclass(frozen=True)
class DrawnTask:
    """A declared task. draws: `count` sequences, tokens and targets (count, length).

    chance: accuracy of the best constant answer. classes: of an answer, 0 for the vocabulary.
    """

    name: str
    source: str
    vocabulary: int
    length: int
    chance: float
    classes: int
    draws: Callable[[np.random.Generator, int], Batch]


def drawn_task(
    name: str, *, source: str, vocabulary: int, length: int, chance: float, classes: int = 0
) -> Callable[[Draw], Draw]:
    """Declare a task whose function draws sequences with the generator that it is given."""

    def declare(function: Draw) -> Draw:
        made = DrawnTask(name, source, vocabulary, length, chance, classes, function)
        _tasks.register(name, func=made)
        return function

    return declare


def all_drawn_tasks() -> dict[str, DrawnTask]:
    """Every task that was declared in this process, by name."""
    return dict(sorted(_tasks.get_all().items()))
