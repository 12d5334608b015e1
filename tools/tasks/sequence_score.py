"""Score what a trial says about sequences. Trusted side only; what it reads may be hostile."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import JsonValue

from sandbox.errors import OutputRejected
from tools.tasks.task import Item

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_CLASS = re.compile(r"[0-9]{1,8}", re.ASCII)
_FIX = "a trial answers every asked position of every item, see tools/tasks/asked.py"


@dataclass(frozen=True)
class Bits:
    """Mean bits per asked token, and how many tokens those are."""

    mean: float
    tokens: int


def count_right(predictions: JsonValue, items: Sequence[Item], classes: int) -> tuple[int, int]:
    """How many asked positions are right, and of how many. predictions: a text an item.

    Raises OutputRejected when a position is not answered by one class.
    """
    right = asked = 0
    for row, (text, item) in enumerate(_paired(predictions, items)):
        answers, expected = text.split(), item.answer.split()
        if len(answers) != len(expected):
            raise OutputRejected(
                f"item {row}: {len(answers)} answers for {len(expected)} positions", _FIX
            )
        for answer, target in zip(answers, expected, strict=True):
            if not _CLASS.fullmatch(answer) or int(answer) >= classes:
                raise OutputRejected(f"item {row}: {answer[:20]!r} is not a class", _FIX)
            right += int(answer) == int(target)
        asked += len(expected)
    return right, asked


def measure_bits(predictions: JsonValue, items: Sequence[Item], classes: int) -> Bits:
    """Mean of -log2 of the probability that each asked token was given, normalised here.

    predictions: base64 of 16-bit logits an item. Raises OutputRejected.
    """
    import numpy as np

    bits, tokens = 0.0, 0
    for row, (text, item) in enumerate(_paired(predictions, items)):
        expected = np.array(item.answer.split(), dtype=np.int64)
        logits = read_logits(text, len(expected), classes, row)
        logits -= logits.max(-1, keepdims=True)
        chosen = logits[np.arange(len(expected)), expected]
        bits += float((np.log(np.exp(logits).sum(-1)) - chosen).sum() / np.log(2))
        tokens += len(expected)
    return Bits(bits / tokens if tokens else 0.0, tokens)


def _paired(predictions: JsonValue, items: Sequence[Item]) -> Iterator[tuple[str, Item]]:
    """Each prediction with its item; all are texts, one an item."""
    if not isinstance(predictions, list) or len(predictions) != len(items):
        count = len(predictions) if isinstance(predictions, list) else "no list of"
        raise OutputRejected(f"{count} predictions for {len(items)} items", _FIX)
    for row, (text, item) in enumerate(zip(predictions, items, strict=True)):
        if not isinstance(text, str):
            raise OutputRejected(f"item {row}: a prediction is not a text", _FIX)
        yield text, item


def read_logits(text: str, asked: int, classes: int, row: int) -> NDArray[np.float64]:
    """The logits of item `row`, (asked, classes), all finite. Raises OutputRejected."""
    import numpy as np

    size = 2 * asked * classes
    if len(text) != 4 * ((size + 2) // 3):
        raise OutputRejected(f"item {row}: logits of another size than {asked} x {classes}", _FIX)
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise OutputRejected(f"item {row}: logits are not base64", _FIX) from error
    if len(raw) != size:
        raise OutputRejected(f"item {row}: logits of another size than {asked} x {classes}", _FIX)
    logits = np.frombuffer(raw, dtype="<f2").astype(np.float64).reshape(asked, classes)
    if not np.isfinite(logits).all():
        raise OutputRejected(f"item {row}: logits that are not finite", _FIX)
    return logits
