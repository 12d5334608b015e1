"""Compare predictions with the held-out answers. Trusted side only; no torch."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.errors import OutputRejected
from tools.tasks.task import Item


def score(predictions: Sequence[str], items: Sequence[Item]) -> tuple[int, int]:
    """How many are right, and of how many. Spaces around an answer do not count.

    Raises OutputRejected when there is not exactly one prediction for every item.
    """
    if len(predictions) != len(items):
        raise OutputRejected(
            f"{len(predictions)} predictions for {len(items)} items", "a trial answers every item"
        )
    right = sum(
        said.strip() == item.answer.strip() for said, item in zip(predictions, items, strict=True)
    )
    return right, len(items)
