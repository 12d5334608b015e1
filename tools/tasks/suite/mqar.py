"""Multi-query associative recall of zoology."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.errors import BadInput
from tools.tasks.distinct import distinct
from tools.tasks.sequence import NOT_ASKED, Batch, Size, Sizes, Variations, sequence_task
from tools.tasks.variation import along

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

POWER = 0.01
SIZES: Sizes = {
    "quick": Size(64, length=32, train=32_000, dev=320, test=640, extra={"pairs": 8}),
    "default": Size(128, length=64, train=25_600, dev=640, test=1280, extra={"pairs": 8}),
    "paper": Size(8192, length=512, train=100_000, dev=1000, test=3000, extra={"pairs": 64}),
}
VARIATIONS: Variations = {
    "default": {"pairs": along("pairs", 4, 16), "vocabulary": along("vocabulary", 256)},
    "paper": {
        "length and pairs": (
            {"length": 64, "pairs": 4},
            {"length": 128, "pairs": 8},
            {"length": 256, "pairs": 16},
        )
    },
}


@sequence_task(
    "mqar",
    label="Multi-query recall",
    source="arXiv:2312.04927",
    sizes=SIZES,
    chance=lambda size: 1 / (size.vocabulary - size.vocabulary // 2),
    variations=VARIATIONS,
)
def mqar(draw: np.random.Generator, count: int, size: Size) -> Batch:
    """Pairs of key and value, then each key once among random tokens: what was its value?

    Keys are 1 .. V/2 - 1, values V/2 .. V - 1, no key and no value twice. Only the queries are
    asked; their gaps follow a power law (exponent .01), and no value stands after its query.
    """
    import numpy as np

    pairs, half = int(size.extra["pairs"]), size.vocabulary // 2
    if 4 * pairs > size.length or pairs >= half or size.length % 2:
        raise BadInput(
            f"mqar: {pairs} pairs, length {size.length}, vocabulary {size.vocabulary}",
            "the length is even and 4 times the pairs or more; the vocabulary exceeds 2 pairs + 1",
        )
    keys = 1 + distinct(draw, count, pairs, half - 1)
    values = half + distinct(draw, count, pairs, size.vocabulary - half)
    tokens = draw.integers(0, size.vocabulary, (count, size.length))
    tokens[:, : 2 * pairs : 2], tokens[:, 1 : 2 * pairs : 2] = keys, values
    targets = np.full_like(tokens, NOT_ASKED)
    queries = 2 * pairs + 2 * _gaps(draw, count, pairs, size.length // 2 - pairs)
    np.put_along_axis(tokens, queries, keys, 1)
    np.put_along_axis(targets, queries, values, 1)
    return Batch(tokens, targets)


def _gaps(draw: np.random.Generator, count: int, pairs: int, space: int) -> NDArray[np.int64]:
    """(count, pairs) places below `space`, each once, place x drawn by weight (x + 1) ^ (a - 1).

    The largest of log-weights plus Gumbel noise are draws without replacement, in order
    (arXiv:1903.06059).
    """
    import numpy as np

    weight = (POWER - 1) * np.log(np.arange(1, space + 1))
    order = np.argsort(-(weight + draw.gumbel(size=(count, space))), axis=1)
    return order[:, :pairs]
