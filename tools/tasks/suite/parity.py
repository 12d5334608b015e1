"""Parity: is the number of ones odd?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.tasks.sequence import NOT_ASKED, Batch, Size, Sizes, Variations, sequence_task
from tools.tasks.variation import along

if TYPE_CHECKING:
    import numpy as np

SIZES: Sizes = {
    "quick": Size(vocabulary=3, length=9, train=9600, dev=320, test=640, outputs=2),
    "default": Size(vocabulary=3, length=13, train=25_600, dev=640, test=1280, outputs=2),
    "paper": Size(vocabulary=3, length=17, train=100_000, dev=1280, test=2560, outputs=2),
}
VARIATIONS: Variations = {
    "default": {"length": along("length", 9, 11, 17)},
    "paper": {"length": along("length", 9, 11, 13, 15)},
}


@sequence_task(
    "parity",
    label="Parity",
    source="arXiv:2505.05522",
    sizes=SIZES,
    chance=lambda size: 1 / 2,
    variations=VARIATIONS,
)
def parity(draw: np.random.Generator, count: int, size: Size) -> Batch:
    """Bits, then a question mark: is the number of ones odd?

    There are length - 1 bits. Each string of bits belongs to one split, so that a model which
    learns the training strings by heart knows nothing about the test's.
    """
    import numpy as np

    tokens = draw.integers(0, 2, (count, size.length))
    targets = np.full_like(tokens, NOT_ASKED)
    targets[:, -1] = tokens[:, :-1].sum(1) % 2
    tokens[:, -1] = 2
    return Batch(tokens, targets)
