"""Draws without repetition, many rows at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def distinct(draw: np.random.Generator, rows: int, count: int, options: int) -> NDArray[np.int64]:
    """(rows, count) numbers below `options`, each row without repetition and in random order.

    Source: Floyd's sampling, Bentley 1987 (Communications of the ACM 30(9)).
    """
    import numpy as np

    assert count <= options
    chosen = np.empty((rows, count), dtype=np.int64)
    for i in range(count):
        top = options - count + i
        pick = draw.integers(0, top + 1, rows)
        taken = (chosen[:, :i] == pick[:, None]).any(1)
        chosen[:, i] = np.where(taken, top, pick)
    return draw.permuted(chosen, axis=1)
