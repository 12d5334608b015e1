"""Which split a sequence belongs to, by its own tokens: the splits cannot overlap."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.errors import BadInput
from tools.merging.train import stream
from tools.tasks.sequence import Batch, Draws, Part, Size

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BUCKETS = 8
"""One bucket is the test's, one the dev split's, six are the training's."""
PATIENCE = 400


def draw_split(
    draws: Draws, part: Part, seed: int, count: int, size: Size, name: str, secret: str = ""
) -> Batch:
    """`count` sequences that belong to the split; the same sequence may occur twice within it.

    Raises BadInput when the task hardly ever draws one of the split.
    """
    import numpy as np

    draw = np.random.default_rng(split_stream(seed, name, part, secret))
    kept: list[Batch] = []
    found = 0
    for _ in range(PATIENCE):
        batch = draws(draw, max(64, count), size)
        mine = belongs(batch.tokens, part)
        kept.append(Batch(batch.tokens[mine], batch.targets[mine]))
        found += int(mine.sum())
        if found >= count:
            tokens = np.concatenate([b.tokens for b in kept])[:count]
            return Batch(tokens, np.concatenate([b.targets for b in kept])[:count])
    raise BadInput(
        f"{name}: {found} of {count} {part} sequences after {PATIENCE} attempts",
        "ask for longer sequences or fewer items",
    )


def split_stream(seed: int, name: str, part: Part, secret: str, *names: str) -> int:
    """The seed of a split's draws. The secret is mixed into the test's alone, where there is one.

    Which split a sequence belongs to does not depend on it, so that splits stay disjoint.
    """
    return stream(seed, name, part, *names, *([secret] if secret and part == "test" else []))


def belongs(tokens: NDArray[np.int64], part: Part) -> NDArray[np.bool_]:
    """Which rows are of the split. tokens: (N, T)."""
    bucket = _digest(tokens) % BUCKETS
    if part == "test":
        found: NDArray[np.bool_] = bucket == 0
    elif part == "dev":
        found = bucket == 1
    else:
        found = bucket > 1
    return found


def _digest(tokens: NDArray[np.int64]) -> NDArray[np.uint64]:
    """A 64-bit digest of each row (FNV-1a over its tokens, then mixed)."""
    import numpy as np

    digest = np.full(len(tokens), 0xCBF29CE484222325, dtype=np.uint64)
    for column in tokens.T.astype(np.uint64):
        digest = (digest ^ column) * np.uint64(0x100000001B3)
    return (digest ^ (digest >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9) >> np.uint64(32)
