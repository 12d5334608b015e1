"""Memorization of MAD: facts that never stand in the sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.merging.train import stream
from tools.tasks.sequence import NOT_ASKED, Batch, Part, Size, Sizes, Variations, sequence_task
from tools.tasks.splitting import draw_split
from tools.tasks.variation import along

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIZES: Sizes = {
    "quick": Size(vocabulary=64, length=16, train=256, dev=160, test=320),
    "default": Size(vocabulary=256, length=32, train=256, dev=320, test=640),
    "paper": Size(vocabulary=256, length=32, train=256, dev=1280, test=1280),
}
VARIATIONS: Variations = {
    "default": {"vocabulary": along("vocabulary", 512, 1024)},
    "paper": {"vocabulary": along("vocabulary", 512, 1024, 2048, 4096, 8192)},
}


@sequence_task(
    "memorization",
    label="Memorization",
    source="arXiv:2403.17844",
    sizes=SIZES,
    chance=lambda size: 1 / ((size.vocabulary - 1) // 2),
    splits=True,
    variations=VARIATIONS,
)
def memorization(part: Part, seed: int, count: int, size: Size, secret: str = "") -> Batch:
    """A key, then a blank to fill in: its value, which is the same in every sequence.

    The one task whose test asks what training has said: the facts of train, dev and test are the
    same by definition. Their sequences, which are other choices of keys, are disjoint. The facts
    belong to the seed. With a large vocabulary, training shows only some of the facts (`train`
    sequences hold length / 2 each), so that even a perfect memory stays below 1.
    """
    import numpy as np

    blank, facts = size.vocabulary - 1, facts_of(seed, size)

    def draws(draw: np.random.Generator, count: int, size: Size) -> Batch:
        keys = draw.integers(0, len(facts), (count, size.length // 2))
        tokens = np.full((count, size.length), blank, dtype=np.int64)
        tokens[:, : 2 * keys.shape[1] : 2] = keys
        targets = np.full_like(tokens, NOT_ASKED)
        targets[:, 1::2] = facts[keys]
        return Batch(tokens, targets)

    return draw_split(draws, part, seed, count, size, "memorization", secret)


def facts_of(seed: int, size: Size) -> NDArray[np.int64]:
    """The value of each key 0 .. K - 1; values are K and above, no two keys share one."""
    import numpy as np

    draw = np.random.default_rng(stream(seed, "memorization", "facts"))
    words = size.vocabulary - 1
    return (words // 2 + draw.permutation(words - words // 2))[: words // 2]
