"""Selective copying of MAD: say what is not blank, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.errors import BadInput
from tools.tasks.sequence import NOT_ASKED, Batch, Size, Sizes, Variations, sequence_task
from tools.tasks.variation import along

if TYPE_CHECKING:
    import numpy as np

SIZES: Sizes = {
    "quick": Size(16, length=32, train=9600, dev=320, test=640, extra={"copied": 4}),
    "default": Size(16, length=64, train=12_800, dev=640, test=1280, extra={"copied": 8}),
    "paper": Size(16, length=256, train=12_800, dev=1280, test=1280, extra={"copied": 16}),
}
VARIATIONS: Variations = {
    "default": {
        "vocabulary": along("vocabulary", 32, 64),
        "length": along("length", 128),
        "train": along("train", 3200, 800),
        "copied": along("copied", 16, 24),
    },
    "paper": {
        "vocabulary": along("vocabulary", 32, 64, 128),
        "length": along("length", 512, 1024),
        "train": along("train", 6400, 3200, 1600, 800),
        "copied": along("copied", 32, 64, 96),
    },
}


@sequence_task(
    "selective_copy",
    label="Selective copy",
    source="arXiv:2403.17844",
    sizes=SIZES,
    chance=lambda size: 1 / (size.vocabulary - 2),
    variations=VARIATIONS,
)
def selective_copy(draw: np.random.Generator, count: int, size: Size) -> Batch:
    """Tokens among blanks, then a sign to copy: say the tokens in order, without the blanks.

    Each blank stands before a token chosen at random, so the last token stands just before the
    sign, as in mad-lab.
    """
    import numpy as np

    copied, sign, blank = int(size.extra["copied"]), size.vocabulary - 1, size.vocabulary - 2
    blanks = size.length - 2 * copied - 1
    if blanks < 0:
        raise BadInput(
            f"selective_copy: {copied} tokens do not fit into {size.length} positions twice",
            "make it longer or copy less",
        )
    words = draw.integers(0, blank, (count, copied))
    before = draw.integers(0, copied, (count, blanks)) + copied * np.arange(count)[:, None]
    blanks_at = np.bincount(before.ravel(), minlength=count * copied).reshape(count, copied)
    skipped = np.cumsum(blanks_at, axis=1)
    tokens = np.full((count, size.length), blank, dtype=np.int64)
    np.put_along_axis(tokens, skipped + np.arange(copied), words, 1)
    tokens[:, blanks + copied] = sign
    targets = np.full_like(tokens, NOT_ASKED)
    targets[:, blanks + copied + 1 :] = words
    return Batch(tokens, targets)
