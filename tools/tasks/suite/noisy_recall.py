"""Noisy in-context recall of MAD: recall with irrelevant tokens between the pairs."""

from __future__ import annotations

from functools import partial

from tools.tasks.recall import paired
from tools.tasks.sequence import Batch, Part, Size, Sizes, Variations, sequence_task
from tools.tasks.splitting import draw_split
from tools.tasks.variation import along

NOISE = {"noise_vocabulary": 16, "noise": 0.2}
SIZES: Sizes = {
    "quick": Size(32, length=32, train=9600, dev=320, test=640, extra=NOISE),
    "default": Size(32, length=64, train=12_800, dev=640, test=1280, extra=NOISE),
    "paper": Size(32, length=128, train=12_800, dev=1280, test=1280, extra=NOISE),
}
VARIATIONS: Variations = {
    "default": {
        "vocabulary": along("vocabulary", 48, 80),
        "length": along("length", 128),
        "train": along("train", 3200, 800),
        "noise": along("noise", 0.4, 0.8),
    },
    "paper": {
        "vocabulary": along("vocabulary", 48, 80, 144),
        "length": along("length", 256, 512, 1024),
        "train": along("train", 6400, 3200, 1600, 800),
        "noise": along("noise", 0.4, 0.6, 0.8),
    },
}


def chance(size: Size) -> float:
    """One of the values."""
    options = size.vocabulary - int(size.extra["noise_vocabulary"])
    return 1 / (options - options // 2)


@sequence_task(
    "noisy_recall",
    label="Noisy recall",
    source="arXiv:2403.17844",
    sizes=SIZES,
    chance=chance,
    splits=True,
    variations=VARIATIONS,
    next_token=True,
)
def noisy_recall(part: Part, seed: int, count: int, size: Size, secret: str = "") -> Batch:
    """In-context recall where a share of the pairs is replaced by tokens that mean nothing.

    Training asks for every next token, dev and test for the values of keys that come back.
    """
    draws = partial(paired, training=part == "train")
    return draw_split(draws, part, seed, count, size, "noisy_recall", secret)
