"""Recall over two links. Held back: for promotion only, a search never sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.errors import BadInput
from tools.tasks.distinct import distinct
from tools.tasks.sequence import NOT_ASKED, Batch, Size, Sizes, Variations, sequence_task
from tools.tasks.variation import along

if TYPE_CHECKING:
    import numpy as np

SIZES: Sizes = {
    "quick": Size(24, length=20, train=12_800, dev=320, test=640, extra={"chains": 4}),
    "default": Size(48, length=40, train=25_600, dev=640, test=1280, extra={"chains": 8}),
    "paper": Size(768, length=320, train=100_000, dev=1000, test=3000, extra={"chains": 64}),
}
VARIATIONS: Variations = {
    "default": {"chains": along("chains", 2, 4)},
    "paper": {"chains": along("chains", 8, 16, 32)},
}


@sequence_task(
    "multi_hop_recall",
    label="Two-hop recall",
    source="Hanji",
    sizes=SIZES,
    chance=lambda size: 1 / (size.vocabulary // 3),
    variations=VARIATIONS,
    held_back=True,
)
def multi_hop_recall(draw: np.random.Generator, count: int, size: Size) -> Batch:
    """Links b-c, then links a-b, then every a: to which c do b and a lead?

    Held back for promotion: a search never trains or tests on it, so that what was chosen on the
    other tasks is confirmed on one that could not be chosen for. Half of the answers, those asked
    at each b of the links a-b, need one hop and half, those asked at the end, two. A model of
    single hops that guesses the rest among the c's shown reaches (1 + 1 / chains) / 2. No c stands
    beside its a. What is left of the length is filled in front, with c's of no meaning.
    """
    import numpy as np

    chains, third = int(size.extra["chains"]), size.vocabulary // 3
    front = size.length - 5 * chains
    if front < 0 or chains > third:
        raise BadInput(
            f"multi_hop_recall: {chains} chains, length {size.length}, "
            f"vocabulary {size.vocabulary}",
            "the length is 5 times the chains or more, the vocabulary 3 times",
        )
    a, b, c = (n * third + distinct(draw, count, chains, third) for n in range(3))
    order, asked = (draw.permuted(np.tile(np.arange(chains), (count, 1)), axis=1) for _ in range(2))
    a_first, b_first, c_first = (np.take_along_axis(array, order, 1) for array in (a, b, c))
    filler = draw.integers(2 * third, 3 * third, (count, front))
    links = np.stack((np.stack((b, c), 2), np.stack((a_first, b_first), 2)), 1)
    queries = np.take_along_axis(a, asked, 1)
    tokens = np.concatenate((filler, links.reshape(count, 4 * chains), queries), 1)
    targets = np.full_like(tokens, NOT_ASKED)
    targets[:, front + 2 * chains + 1 : front + 4 * chains : 2] = c_first
    targets[:, -chains:] = np.take_along_axis(c, asked, 1)
    return Batch(tokens, targets)
