"""In-context recall of MAD: which value stood after this key before?"""

from __future__ import annotations

from functools import partial

from tools.tasks.recall import paired
from tools.tasks.sequence import Batch, Part, Size, Sizes, Variations, sequence_task
from tools.tasks.splitting import draw_split
from tools.tasks.variation import along

SIZES: Sizes = {
    "quick": Size(vocabulary=16, length=32, train=9600, dev=320, test=640),
    "default": Size(vocabulary=16, length=64, train=12_800, dev=640, test=1280),
    "paper": Size(vocabulary=16, length=128, train=12_800, dev=1280, test=1280),
}
VARIATIONS: Variations = {
    "default": {
        "vocabulary": along("vocabulary", 32, 64),
        "length": along("length", 128),
        "train": along("train", 3200, 800),
    },
    "paper": {
        "vocabulary": along("vocabulary", 32, 64, 128),
        "length": along("length", 256, 512, 1024),
        "train": along("train", 6400, 3200, 1600, 800),
    },
}


@sequence_task(
    "in_context_recall",
    label="In-context recall",
    source="arXiv:2403.17844",
    sizes=SIZES,
    chance=lambda size: 1 / (size.vocabulary - size.vocabulary // 2),
    splits=True,
    variations=VARIATIONS,
    next_token=True,
)
def in_context_recall(part: Part, seed: int, count: int, size: Size, secret: str = "") -> Batch:
    """Pairs of key and value in random order: what followed this key when it stood here before?

    Training asks for every next token, dev and test for the values of keys that come back. The
    last key always does.
    """
    draws = partial(paired, training=part == "train")
    return draw_split(draws, part, seed, count, size, "in_context_recall", secret)
