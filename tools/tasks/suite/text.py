"""Language modelling, character by character, on text that is on every machine."""

from __future__ import annotations

import functools
import math
from collections import Counter
from typing import TYPE_CHECKING

from sandbox.errors import BadInput
from tools.tasks.python_text import python_text
from tools.tasks.recall import all_next
from tools.tasks.regions import chosen
from tools.tasks.sequence import Batch, Part, Size, Sizes, Variations, sequence_task
from tools.tasks.variation import along

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNKNOWN = 0
SHARES: dict[Part, tuple[float, float]] = {"train": (0.0, 0.8), "dev": (0.8, 0.9), "test": (0.9, 1)}
SIZES: Sizes = {
    "quick": Size(vocabulary=105, length=64, train=6400, dev=48, test=64),
    "default": Size(vocabulary=105, length=128, train=12_800, dev=64, test=128),
    "paper": Size(vocabulary=105, length=256, train=51_200, dev=100, test=120),
}
VARIATIONS: Variations = {
    "default": {"length": along("length", 64, 256)},
    "paper": {"length": along("length", 128)},
}


def part_of_text(part: Part, size: Size) -> NDArray[np.int64]:
    """All of a part's text in numbers: (N,), what its windows are cut from."""
    import numpy as np

    return _numbered(size.vocabulary)[_bounds(part, size.length)].astype(np.int64)


@sequence_task(
    "text",
    label="Python's help text",
    source="pydoc_data.topics of the Python standard library",
    sizes=SIZES,
    chance=lambda size: math.log2(size.vocabulary),
    scored="bits",
    splits=True,
    variations=VARIATIONS,
    next_token=True,
    whole=part_of_text,
)
def text(part: Part, seed: int, count: int, size: Size, secret: str = "") -> Batch:
    """The help texts of Python: after each character, how likely is each next one?

    The first 80% are the training's, then dev's and test's 10% each, with a window's length left
    out between them. Training windows start anywhere in their region; those of dev and test do not
    overlap, and one that an earlier region holds too (a table's rule) is left out. Characters are
    numbered by how often they stand in the training region; 0 is any other one. A text that is not
    pinned is refused (BadInput).
    """
    import numpy as np

    region = _numbered(size.vocabulary)[_bounds(part, size.length)]
    if part == "train":
        starts = chosen(len(region) - size.length, count, part, seed, "text")
    else:
        windows = _windows(part, size.length)
        starts = windows[chosen(len(windows), count, part, seed, "text", secret)]
    tokens = region[starts[:, None] + np.arange(size.length + 1)]
    targets = all_next(tokens)[:, :-1]
    return Batch(tokens[:, :-1].astype(np.int64), targets.astype(np.int64))


def _bounds(part: Part, gap: int) -> slice:
    """Where a part's region begins and ends; each but the first begins after a gap."""
    whole = len(python_text())
    begin, end = (int(share * whole) for share in SHARES[part])
    if end - begin < 3 * gap:
        raise BadInput(f"text: windows of {gap} characters", f"{part} has {end - begin} in all")
    return slice(begin + gap if begin else 0, end)


@functools.cache
def _windows(part: Part, length: int) -> NDArray[np.int64]:
    """Where the region's windows begin, counted from its own begin."""
    import numpy as np

    whole, bounds = python_text(), _bounds(part, length)
    region, earlier = whole[bounds], whole[: bounds.start]
    begins = range(0, len(region) - length, length)
    return np.array([n for n in begins if region[n : n + length] not in earlier], dtype=np.int64)


@functools.cache
def _numbered(vocabulary: int) -> NDArray[np.int64]:
    """The whole text in numbers: 0 for what is not among the commonest characters of train."""
    import numpy as np

    whole = python_text()
    counts = Counter(whole[: int(SHARES["train"][1] * len(whole))])
    ranked = sorted(counts, key=lambda sign: (-counts[sign], sign))[: vocabulary - 1]
    number = {sign: n for n, sign in enumerate(ranked, UNKNOWN + 1)}
    return np.array([number.get(sign, UNKNOWN) for sign in whole], dtype=np.int64)
