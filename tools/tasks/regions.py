"""Sequences out of a region that has only so many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.errors import BadInput
from tools.merging.train import stream
from tools.tasks.sequence import Part

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def chosen(available: int, count: int, part: Part, seed: int, name: str) -> NDArray[np.int64]:
    """`count` different places of a region's `available` ones, in an order of the seed's.

    Raises BadInput when there are fewer.
    """
    import numpy as np

    if count > available:
        raise BadInput(
            f"{name}: {count} {part} sequences asked, the region holds {available}",
            "ask for fewer, or for shorter ones",
        )
    return np.random.default_rng(stream(seed, name, part)).permutation(available)[:count]
