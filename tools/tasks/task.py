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
class Drawn:
    """How large a task of sequences is that a file drew which is not of the product.

    vocabulary, length, classes: of a sequence and its answers. train, dev, test: sequences.
    """

    vocabulary: int
    length: int
    classes: int
    train: int
    dev: int
    test: int


@dataclass(frozen=True)
class TaskCard:
    """What people are told about a task.

    chance: accuracy of a guess. source: where the items come from.

    answer_tokens: the most tokens that an answer may have. classes: what an answer of a sequence
    task can be, 0 for other tasks. drawn: of a task that was brought as code, else None.
    """

    name: str
    label: str
    kind: TaskKind
    chance: float
    description: str
    source: str
    answer_tokens: int = 1
    classes: int = 0
    drawn: Drawn | None = None


@dataclass(frozen=True)
class TaskView:
    """A task as seen from inside a sandbox. answer_tokens: the most tokens that an answer has.

    drawn, train: of a task that was brought as code, whose sequences were drawn before.
    """

    name: str
    kind: TaskKind
    dev: tuple[Item, ...]
    test: tuple[Question, ...]
    answer_tokens: int = 1
    drawn: Drawn | None = None
    train: tuple[Item, ...] = ()

    @classmethod
    def of(cls, card: TaskCard, items: Mapping[Split, tuple[Item, ...]]) -> TaskView:
        """The dev items with their answers, the test items without."""
        test = tuple(Question(item.prompt, item.choices) for item in items["test"])
        return cls(card.name, card.kind, items["dev"], test, card.answer_tokens, card.drawn)
