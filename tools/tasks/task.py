"""A task: prompts with known answers, split into dev and test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sandbox.records import Split

TaskKind = Literal["exact_match", "multiple_choice", "positions", "bits"]
"""The last two are of sequences, see tools/tasks/asked.py."""


@dataclass(frozen=True)
class Item:
    """One question. choices: the options of a multiple-choice item, empty for exact match.

    answer: the expected text (for multiple choice, the text of the right option).
    """

    prompt: str
    answer: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """An item without its answer: all that a trial gets of the test split."""

    prompt: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class TaskCard:
    """What people are told about a task.

    chance: accuracy of a guess. source: where the items come from.

    answer_tokens: the most tokens that an answer may have. classes: what an answer of a sequence
    task can be, 0 for other tasks.
    """

    name: str
    label: str
    kind: TaskKind
    chance: float
    description: str
    source: str
    answer_tokens: int = 1
    classes: int = 0


@dataclass(frozen=True)
class TaskView:
    """A task as seen from inside a sandbox. answer_tokens: the most tokens that an answer has."""

    name: str
    kind: TaskKind
    dev: tuple[Item, ...]
    test: tuple[Question, ...]
    answer_tokens: int = 1

    @classmethod
    def of(cls, card: TaskCard, items: Mapping[Split, tuple[Item, ...]]) -> TaskView:
        """The dev items with their answers, the test items without."""
        test = tuple(Question(item.prompt, item.choices) for item in items["test"])
        return cls(card.name, card.kind, items["dev"], test, card.answer_tokens)
