"""Sequences of several domains in one task: to recall, to copy, to know facts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sandbox.errors import BadInput
from tools.merging.train import stream
from tools.tasks.recall import paired
from tools.tasks.sequence import NOT_ASKED, Batch, Part, Size, Sizes, Variations, sequence_task
from tools.tasks.splitting import draw_split
from tools.tasks.suite.selective_copy import selective_copy
from tools.tasks.variation import along

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DOMAINS = 3
"""Recall, copying, facts; each sequence begins with the sign of its own."""
SIGNS = DOMAINS + 2
"""Tokens that are no words: a blank, the sign to copy, the domains'."""


def _size(words: int, length: int, copied: int, train: int, dev: int, test: int) -> Size:
    extra = {"copied": copied}
    return Size(words + SIGNS, length + 1, train, dev, test, outputs=words, extra=extra)


SIZES: Sizes = {
    "quick": _size(16, 24, copied=6, train=12_800, dev=320, test=640),
    "default": _size(32, 60, copied=16, train=25_600, dev=640, test=1280),
    "paper": _size(128, 240, copied=32, train=100_000, dev=1280, test=2560),
}
VARIATIONS: Variations = {
    "default": {"train": along("train", 6400), "copied": along("copied", 8, 24)},
    "paper": {"train": along("train", 25_600), "copied": along("copied", 16, 64)},
}


def chance(size: Size) -> float:
    """The share of the commonest answer in 4,096 sequences."""
    import numpy as np

    targets = domains("test", 0, 4096, size).targets
    counts = np.bincount(targets[targets != NOT_ASKED], minlength=size.classes)
    return float(counts.max() / counts.sum())


def domain_of(tokens: NDArray[np.int64], size: Size) -> NDArray[np.int64]:
    """By the sign that each sequence begins with."""
    return tokens[:, 0] - (size.vocabulary - DOMAINS)


@sequence_task(
    "domains",
    label="Skills of several domains",
    source="Hanji",
    sizes=SIZES,
    chance=chance,
    splits=True,
    variations=VARIATIONS,
    next_token=True,
    domains=DOMAINS,
    domain_of=domain_of,
)
def domains(part: Part, seed: int, count: int, size: Size, secret: str = "") -> Batch:
    """A sign says the domain: recall of pairs in context, selective copying, or known facts.

    After the sign stands a sequence of in-context recall (asked are the values of keys that come
    back), one of selective copying, or two words and a blank again and again, where the blank asks
    for the word that belongs to those two in every sequence of the seed. A third of the sequences
    is of each domain, drawn at random. The facts of train, dev and test are the same, by
    definition; their sequences are disjoint. What is recalled stands in the sequence.
    """
    words, length = size.classes, size.length - 1
    if length % 6 or size.vocabulary != words + SIGNS or words % 2:
        raise BadInput(
            f"domains: length {size.length}, vocabulary {size.vocabulary}, {words} words",
            f"the length is a multiple of 6 and 1 more, the vocabulary the words and {SIGNS}",
        )

    def draws(draw: np.random.Generator, count: int, size: Size) -> Batch:
        import numpy as np

        domain = draw.integers(0, DOMAINS, count)
        parts = [
            paired(draw, count, replace(size, vocabulary=words, length=length), training=False),
            _copied(draw, count, size),
            _facts(draw, count, size, facts_of(seed, words)),
        ]
        rows = np.arange(count)
        tokens = np.stack([p.tokens for p in parts])[domain, rows]
        targets = np.stack([p.targets for p in parts])[domain, rows]
        sign = size.vocabulary - DOMAINS + domain[:, None]
        nothing = np.full((count, 1), NOT_ASKED, dtype=np.int64)
        return Batch(np.concatenate((sign, tokens), 1), np.concatenate((nothing, targets), 1))

    return draw_split(draws, part, seed, count, size, "domains", secret)


def facts_of(seed: int, words: int) -> NDArray[np.int64]:
    """The word that belongs to each two words, (words, words); every word as often as any other."""
    import numpy as np

    draw = np.random.default_rng(stream(seed, "domains", "facts"))
    return draw.permutation(np.arange(words * words) % words).reshape(words, words)


def _copied(draw: np.random.Generator, count: int, size: Size) -> Batch:
    """Selective copying with words alone: its blank and its sign are the first two signs."""
    inner = replace(size, vocabulary=size.classes + 2, length=size.length - 1)
    return selective_copy(draw, count, inner)


def _facts(draw: np.random.Generator, count: int, size: Size, facts: NDArray[np.int64]) -> Batch:
    """Two words and a blank, as often as they fit."""
    import numpy as np

    many = (size.length - 1) // 3
    asked = draw.integers(0, size.classes, (count, many, 2))
    blank = np.full((count, many, 1), size.classes)
    tokens = np.concatenate((asked, blank), 2)
    targets = np.full_like(tokens, NOT_ASKED)
    targets[:, :, 2] = facts[asked[..., 0], asked[..., 1]]
    return Batch(tokens.reshape(count, -1), targets.reshape(count, -1))
