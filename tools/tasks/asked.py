"""A batch as items and back: what a trial reads, what the trusted side keeps, what a trial says.

A prompt is the tokens, a question mark, and the positions that are asked: `5 17 2 9 ? 1 3`. The
answer is the asked targets in the order of the positions: `17 4`.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sandbox.errors import BadInput
from tools.tasks.sequence import NOT_ASKED, Batch
from tools.tasks.task import Item, Question

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MARK = "?"
LOWEST = -60_000.0
"""Below this a 16-bit float would be infinite."""
MOST_LOGITS_BYTES = 32 << 20
"""What a task in bits may take of a trial's result."""
_AROUND = 8
"""Bytes of a text beside its own: what base64 rounds up, quotes, a comma."""


def items_of(batch: Batch) -> tuple[Item, ...]:
    """One item a sequence."""
    return tuple(_items(batch))


def batch_of(items: Sequence[Item]) -> Batch:
    """The batch that the items were made of. Raises BadInput when they are not such items."""
    tokens, asked = prompts_of(items)
    targets = tokens * 0 + NOT_ASKED
    answers = [_numbers(item.answer, "answer") for item in items]
    for row, said in enumerate(answers):
        if len(said) != int(asked[row].sum()):
            raise BadInput(f"item {row}: {len(said)} answers", "one for each asked position")
        targets[row, asked[row]] = said
    return Batch(tokens, targets)


def prompts_of(items: Sequence[Item | Question]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Tokens (N, T) and which positions are asked (N, T). Raises BadInput."""
    import numpy as np

    pairs = [item.prompt.partition(MARK)[::2] for item in items]
    rows = [_numbers(tokens, "prompt") for tokens, _ in pairs]
    if len({len(row) for row in rows}) > 1 or not rows:
        raise BadInput("sequences of several lengths, or none", "use items of one task and size")
    tokens = np.array(rows, dtype=np.int64)
    asked = np.zeros(tokens.shape, dtype=bool)
    for row, (_, positions) in enumerate(pairs):
        where = _numbers(positions, "asked positions")
        if where and max(where) >= tokens.shape[1]:
            raise BadInput(f"item {row}: asks behind its end", f"it has {tokens.shape[1]} tokens")
        asked[row, where] = True
    return tokens, asked


def said(answers: NDArray[np.int64], asked: NDArray[np.bool_]) -> list[str]:
    """What a model says at the asked positions, as the text of predictions. Both (N, T)."""
    return [
        " ".join(map(str, row[mine].tolist())) for row, mine in zip(answers, asked, strict=True)
    ]


def said_logits(logits: NDArray[np.floating], asked: NDArray[np.bool_]) -> list[str]:
    """Predictions of a task scored in bits: logits (N, T, classes) at the asked positions (N, T).

    Base64 of little-endian 16-bit floats, in the order of positions and classes, relative to each
    position's largest. It takes 8/3 bytes a class and position.
    """
    return [
        base64.b64encode(_floats(row[mine])).decode("ascii")
        for row, mine in zip(logits, asked, strict=True)
    ]


def logits_bytes(sequences: int, asked: int, classes: int) -> int:
    """The most bytes of `said_logits` as JSON. asked: positions, of all sequences together.

    Raises BadInput for more than a trial may leave, before it is run in vain.
    """
    room = -(-8 * asked * classes // 3) + _AROUND * sequences
    if room > MOST_LOGITS_BYTES:
        raise BadInput(
            f"the answers in bits to {asked} positions of {classes} classes take {room} bytes; "
            f"{MOST_LOGITS_BYTES} are allowed",
            "ask about fewer or shorter sequences",
        )
    return room


def _floats(logits: NDArray[np.floating]) -> bytes:
    import numpy as np

    wide = np.asarray(logits, dtype=np.float64)
    below = wide - wide.max(-1, keepdims=True)
    packed: bytes = np.maximum(below, LOWEST).astype("<f2").tobytes()
    return packed


def _items(batch: Batch) -> Iterator[Item]:
    asked = batch.targets != NOT_ASKED
    answers = said(batch.targets, asked)
    for row, mine, answer in zip(batch.tokens, asked, answers, strict=True):
        tokens = " ".join(map(str, row.tolist()))
        positions = " ".join(map(str, mine.nonzero()[0].tolist()))
        yield Item(f"{tokens} {MARK} {positions}", answer)


def _numbers(text: str, where: str) -> list[int]:
    words = text.split()
    if not all(word.isascii() and word.isdigit() and len(word) < 9 for word in words):
        raise BadInput(f"{where}: {text[:40]!r} are not numbers", "see tools/tasks/asked.py")
    return [int(word) for word in words]
