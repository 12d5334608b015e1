"""A task of one's own: what stood right after the mark has to be said at the end."""

from __future__ import annotations

import numpy as np

from tools.tasks.drawn import NOT_ASKED, Batch, drawn_task

WORDS, LENGTH = 8, 16
MARK = WORDS
"""The token after which the one stands that is asked for."""


@drawn_task(
    "late_echo", source="an example of Hanji", vocabulary=9, length=16, chance=0.125, classes=8
)
def late_echo(draw: np.random.Generator, count: int) -> Batch:
    """Random tokens with one mark among them; the last position asks what followed the mark."""
    tokens = draw.integers(0, WORDS, (count, LENGTH))
    places, rows = draw.integers(0, LENGTH - 3, count), np.arange(count)
    tokens[rows, places] = MARK
    targets = np.full_like(tokens, NOT_ASKED)
    targets[:, -1] = tokens[rows, places + 1]
    return Batch(tokens, targets)
