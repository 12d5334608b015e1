"""Mark a trial's answers to a task by the task's own measure. Trusted side only; no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tools.tasks.score import score
from tools.tasks.sequence_score import count_right, measure_bits
from tools.tasks.task import Item, TaskCard, TaskKind


@dataclass(frozen=True)
class Mark:
    """What answers are worth. items: what was averaged over. correct: -1 unless it was counted."""

    metric: Literal["accuracy", "bits"]
    value: float
    unit: Literal["fraction", "bits"]
    better: Literal["higher", "lower"]
    items: int
    correct: int = -1


def mark(card: TaskCard, predictions: Sequence[str], items: Sequence[Item]) -> Mark:
    """Accuracy over items or asked positions, or bits per asked token.

    Raises OutputRejected when the predictions are not answers to these items.
    """
    return _MARKS[card.kind](card, predictions, items)


def _items(card: TaskCard, predictions: Sequence[str], items: Sequence[Item]) -> Mark:
    return _accuracy(*score(predictions, items))


def _positions(card: TaskCard, predictions: Sequence[str], items: Sequence[Item]) -> Mark:
    return _accuracy(*count_right(list(predictions), items, card.classes))


def _bits(card: TaskCard, predictions: Sequence[str], items: Sequence[Item]) -> Mark:
    found = measure_bits(list(predictions), items, card.classes)
    return Mark("bits", found.mean, "bits", "lower", found.tokens)


def _accuracy(correct: int, items: int) -> Mark:
    return Mark("accuracy", correct / items, "fraction", "higher", items, correct)


_MARKS: Mapping[TaskKind, Callable[[TaskCard, Sequence[str], Sequence[Item]], Mark]] = {
    "exact_match": _items,
    "multiple_choice": _items,
    "positions": _positions,
    "bits": _bits,
}
