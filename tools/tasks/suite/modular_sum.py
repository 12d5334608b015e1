"""Sums that wrap around."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.tasks.sequence import NOT_ASKED, Batch, Size, Sizes, Variations, sequence_task
from tools.tasks.variation import along

if TYPE_CHECKING:
    import numpy as np

SIZES: Sizes = {
    "quick": Size(vocabulary=6, length=9, train=9600, dev=320, test=640, outputs=5),
    "default": Size(vocabulary=8, length=13, train=25_600, dev=640, test=1280, outputs=7),
    "paper": Size(vocabulary=8, length=17, train=100_000, dev=1280, test=2560, outputs=7),
}
VARIATIONS: Variations = {
    "default": {"length": along("length", 9, 17)},
    "paper": {"length": along("length", 9, 13)},
}


@sequence_task(
    "modular_sum",
    label="Modular sum",
    source="arXiv:2207.02098",
    sizes=SIZES,
    chance=lambda size: 1 / (size.vocabulary - 1),
    variations=VARIATIONS,
)
def modular_sum(draw: np.random.Generator, count: int, size: Size) -> Batch:
    """Numbers below m, then a question mark: what is their sum, modulo m?

    There are length - 1 numbers; m is the vocabulary without the question mark.
    """
    import numpy as np

    modulus = size.vocabulary - 1
    tokens = draw.integers(0, modulus, (count, size.length))
    targets = np.full_like(tokens, NOT_ASKED)
    targets[:, -1] = tokens[:, :-1].sum(1) % modulus
    tokens[:, -1] = modulus
    return Batch(tokens, targets)
