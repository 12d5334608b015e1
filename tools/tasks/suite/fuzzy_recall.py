"""Fuzzy in-context recall of MAD: keys and values of several tokens."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from sandbox.errors import BadInput
from tools.tasks.distinct import distinct
from tools.tasks.recall import all_next, first_seen
from tools.tasks.sequence import NOT_ASKED, Batch, Part, Size, Sizes, Variations, sequence_task
from tools.tasks.splitting import draw_split
from tools.tasks.variation import along

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIZES: Sizes = {
    "quick": Size(12, length=32, train=9600, dev=320, test=640, extra={"motif": 2}),
    "default": Size(16, length=64, train=12_800, dev=640, test=1280, extra={"motif": 3}),
    "paper": Size(16, length=128, train=12_800, dev=1280, test=1280, extra={"motif": 3}),
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


def chance(size: Size) -> float:
    """One of the tokens that values are made of; one token of the vocabulary is padding."""
    options = size.vocabulary - 1
    return 1 / (options - options // 2)


@sequence_task(
    "fuzzy_recall",
    label="Fuzzy recall",
    source="arXiv:2403.17844",
    sizes=SIZES,
    chance=chance,
    splits=True,
    variations=VARIATIONS,
    next_token=True,
)
def fuzzy_recall(part: Part, seed: int, count: int, size: Size, secret: str = "") -> Batch:
    """In-context recall where a key, and a value, is one token or several that differ.

    Motifs have 1 to `extra["motif"]` tokens; keys of dev and test are of full length. Training asks
    for every next token, dev and test for each token of a repeated key's value. Sequences are
    padded on the left; the last pair repeats one before it, all equally likely (mad-lab instead
    places the pair that it will repeat, at a random position).
    """
    draws = partial(_motifs, training=part == "train")
    return draw_split(draws, part, seed, count, size, "fuzzy_recall", secret)


def _motifs(draw: np.random.Generator, count: int, size: Size, training: bool) -> Batch:
    import numpy as np

    longest, options = int(size.extra["motif"]), size.vocabulary - 1
    half, pairs = options // 2, size.length // 2
    if size.length < 6 * longest or half < longest:
        raise BadInput(
            f"fuzzy_recall: motifs of {longest}, length {size.length}, vocabulary {options + 1}",
            "use a length of 6 motifs or more, and as many keys as a motif has tokens",
        )
    shape = (count, pairs)
    least = 1 if training else longest
    key_size = draw.integers(least, longest + 1, shape)
    value_size = draw.integers(1, longest + 1, shape)
    keys = distinct(draw, count * pairs, longest, half).reshape(*shape, longest)
    values = distinct(draw, count * pairs, longest, options - half).reshape(*shape, longest) + half
    place = (half + 1) ** np.arange(longest)
    said = np.where(np.arange(longest) < key_size[..., None], keys + 1, 0)
    first = first_seen((said * place).sum(2))
    value_size = np.take_along_axis(value_size, first, 1)
    values = np.take_along_axis(values, first[..., None], 1)
    starting = np.cumsum(key_size + value_size, 1) < size.length - 4 * longest + 1
    last = starting.sum(1) + 1
    rows = np.arange(count)
    again = draw.integers(0, last)
    for array in (key_size, value_size, keys, values):
        array[rows, last] = array[rows, again]
    shown = np.arange(pairs) <= last[:, None]
    repeated = (first != np.arange(pairs)) | (np.arange(pairs) == last[:, None])
    return _laid_out(keys, values, key_size, value_size, shown, repeated, size, training)


def _laid_out(
    keys: NDArray[np.int64],
    values: NDArray[np.int64],
    key_size: NDArray[np.int64],
    value_size: NDArray[np.int64],
    shown: NDArray[np.bool_],
    repeated: NDArray[np.bool_],
    size: Size,
    training: bool,
) -> Batch:
    """The shown pairs one after another, ending at the last position."""
    import numpy as np

    widths = np.where(shown, key_size + value_size, 0)
    start = size.length - widths.sum(1, keepdims=True) + np.cumsum(widths, 1) - widths
    tokens = np.full((len(keys), size.length), size.vocabulary - 1, dtype=np.int64)
    targets = np.full_like(tokens, NOT_ASKED)
    for motif, sizes, begin in ((keys, key_size, start), (values, value_size, start + key_size)):
        for n in range(motif.shape[2]):
            row, pair = np.nonzero(shown & (n < sizes))
            tokens[row, begin[row, pair] + n] = motif[row, pair, n]
            if motif is values:
                known = repeated[row, pair]
                row, pair = row[known], pair[known]
                targets[row, begin[row, pair] + n - 1] = motif[row, pair, n]
    return Batch(tokens, all_next(tokens) if training else targets)
