"""Compression of MAD: the whole sequence through one position."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.tasks.sequence import NOT_ASKED, Batch, Size, Sizes, Variations, sequence_task
from tools.tasks.variation import along

if TYPE_CHECKING:
    import numpy as np

SIZES: Sizes = {
    "quick": Size(vocabulary=16, length=8, train=9600, dev=320, test=640),
    "default": Size(vocabulary=16, length=16, train=12_800, dev=640, test=1280),
    "paper": Size(vocabulary=16, length=32, train=12_800, dev=1280, test=1280),
}
VARIATIONS: Variations = {
    "default": {
        "vocabulary": along("vocabulary", 32, 64),
        "length": along("length", 32),
        "train": along("train", 3200, 800),
    },
    "paper": {
        "vocabulary": along("vocabulary", 32, 64, 128),
        "length": along("length", 64, 128, 256),
        "train": along("train", 6400, 3200, 1600, 800),
    },
}


@sequence_task(
    "compression",
    label="Compression",
    source="arXiv:2403.17844",
    sizes=SIZES,
    chance=lambda size: 1 / (size.vocabulary - 1),
    variations=VARIATIONS,
    readout="last",
)
def compression(draw: np.random.Generator, count: int, size: Size) -> Batch:
    """Random tokens, then a sign: recover every token from what the model holds at the sign.

    The answers at all positions are to be decoded from the last position's hidden state and the
    number of the position asked, by a small network that is the same for every architecture
    (mad-lab: a sinusoidal code of the position is added, then an MLP of two layers). A model that
    answers at each position directly sees the answer there. The sign itself is not asked.
    """
    import numpy as np

    sign = size.vocabulary - 1
    tokens = np.full((count, size.length), sign, dtype=np.int64)
    tokens[:, :-1] = draw.integers(0, sign, (count, size.length - 1))
    targets = tokens.copy()
    targets[:, -1] = NOT_ASKED
    return Batch(tokens, targets)
