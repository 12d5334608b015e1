"""Sequences out of a region that has only so many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.errors import BadInput
from tools.tasks.sequence import Part
from tools.tasks.splitting import split_stream

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def chosen(
    available: int, count: int, part: Part, seed: int, name: str, secret: str = ""
) -> NDArray[np.int64]:
    """`count` different places of a region's `available` ones, in an order of the seed's.

    Raises BadInput when there are fewer.
    """
    import numpy as np

    if count > available:
        raise BadInput(
            f"{name}: {count} {part} sequences asked, the region holds {available}",
            "ask for fewer, or for shorter ones",
        )
    draw = np.random.default_rng(split_stream(seed, name, part, secret))
    return draw.permutation(available)[:count]
