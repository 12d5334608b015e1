"""A task: prompts with known answers, split into dev and test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

TaskKind = Literal["exact_match", "multiple_choice"]


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

    answer_tokens: the most tokens that an answer may have.
    """

    name: str
    label: str
    kind: TaskKind
    chance: float
    description: str
    source: str
    answer_tokens: int = 1


@dataclass(frozen=True)
class TaskView:
    """A task as seen from inside a sandbox. answer_tokens: the most tokens that an answer has."""

    name: str
    kind: TaskKind
    dev: tuple[Item, ...]
    test: tuple[Question, ...]
    answer_tokens: int = 1
