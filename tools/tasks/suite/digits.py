"""Handwritten digits, pixel by pixel."""

from __future__ import annotations

import functools
import hashlib
from typing import TYPE_CHECKING

from sandbox.errors import BadInput
from tools.tasks.regions import chosen
from tools.tasks.sequence import NOT_ASKED, Batch, Part, Size, Sizes, Variations, sequence_task
from tools.tasks.variation import along

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHA256 = "87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826"
ASK = 17
SHARES: dict[Part, tuple[float, float]] = {"test": (0, 0.2), "dev": (0.2, 0.3), "train": (0.3, 1)}
SIZES: Sizes = {
    "quick": Size(vocabulary=18, length=65, train=600, dev=160, test=320, outputs=10),
    "default": Size(vocabulary=18, length=65, train=1250, dev=170, test=350, outputs=10),
    "paper": Size(vocabulary=18, length=65, train=1250, dev=170, test=350, outputs=10),
}
VARIATIONS: Variations = {
    "default": {"train": along("train", 600, 300)},
    "paper": {"train": along("train", 600, 300, 150)},
}


@sequence_task(
    "digits",
    label="Handwritten digits",
    source="sklearn.datasets.load_digits (Alpaydin and Kaynak 1998, UCI)",
    sizes=SIZES,
    chance=lambda size: 183 / 1797,
    splits=True,
    variations=VARIATIONS,
)
def digits(part: Part, seed: int, count: int, size: Size, secret: str = "") -> Batch:
    """64 pixels of 17 levels, row by row, then a question mark: which digit is it?

    Of each digit, a fifth of the 1,797 images is the test's and a tenth the dev split's, the same
    for every seed; the seed chooses among them and orders them. Writers occur in several splits.
    Raises BadInput when the images are not the pinned ones.
    """
    import numpy as np

    pixels, labels = _images()
    mine = _region(part)
    mine = mine[chosen(len(mine), count, part, seed, "digits", secret)]
    tokens = np.full((count, size.length), ASK, dtype=np.int64)
    tokens[:, :-1] = pixels[mine]
    targets = np.full_like(tokens, NOT_ASKED)
    targets[:, -1] = labels[mine]
    return Batch(tokens, targets)


def _region(part: Part) -> NDArray[np.int64]:
    """The part's images: the same share of every digit, by one fixed shuffle."""
    import numpy as np

    low, high = SHARES[part]
    order = np.random.default_rng(1998).permutation(1797)
    labels = _images()[1][order]
    kinds = [order[labels == kind] for kind in range(10)]
    return np.concatenate(
        [kind[round(low * len(kind)) : round(high * len(kind))] for kind in kinds]
    )


@functools.cache
def _images() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Pixels (1797, 64) of 0 .. 16 and labels (1797,)."""
    import numpy as np
    from sklearn.datasets import load_digits

    data, labels = load_digits(return_X_y=True)
    pixels, labels = data.astype(np.uint8), labels.astype(np.uint8)
    found = hashlib.sha256(pixels.tobytes() + labels.tobytes()).hexdigest()
    if found != SHA256:
        raise BadInput(
            f"digits: scikit-learn's images have the unknown SHA-256 {found}",
            "install the version of scikit-learn in constraints.txt",
        )
    return pixels, labels
