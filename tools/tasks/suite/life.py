"""Conway's Life: a world whose next state is a rule."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sandbox.errors import BadInput
from tools.tasks.sequence import NOT_ASKED, Batch, Part, Size, Sizes, Variations, sequence_task
from tools.tasks.splitting import draw_split
from tools.tasks.variation import along

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ASK = 2
ONE_STEP = 372 / 512
"""Dead cells one step after a board of random cells: 1 - P(born or surviving)."""


def _size(side: int, train: int, dev: int, test: int) -> Size:
    extra = {"side": side, "rollout": 1}
    return Size(3, 2 * side * side, train, dev, test, outputs=2, extra=extra)


SIZES: Sizes = {
    "quick": _size(4, train=9600, dev=320, test=640),
    "default": _size(6, train=25_600, dev=640, test=1280),
    "paper": _size(16, train=100_000, dev=640, test=1280),
}
VARIATIONS: Variations = {
    "quick": {"rollout": along("rollout", 10)},
    "default": {"rollout": along("rollout", 10), "side": ({"side": 8, "length": 128},)},
    "paper": {"rollout": along("rollout", 10), "side": ({"side": 8, "length": 128},)},
}


def chance(size: Size) -> float:
    """The share of dead cells; after several steps, that of 4,096 boards."""
    import numpy as np

    if size.extra["rollout"] == 1:
        return ONE_STEP
    side = int(size.extra["side"])
    boards = np.random.default_rng(0).integers(0, 2, (4096, side * side))
    alive = float(_after(boards, size).mean())
    return max(alive, 1 - alive)


def advance(
    tokens: NDArray[np.int64], answers: NDArray[np.int64], step: int, size: Size
) -> NDArray[np.int64]:
    """The answers become the board."""
    if step == 0:
        return tokens
    after = tokens.copy()
    after[:, : answers.shape[1]] = answers
    return after


@sequence_task(
    "life",
    label="Cells of Life",
    source="Gardner 1970 (Scientific American 223(4))",
    sizes=SIZES,
    chance=chance,
    splits=True,
    variations=VARIATIONS,
    advance=advance,
)
def life(part: Part, seed: int, count: int, size: Size, secret: str = "") -> Batch:
    """The cells of a board that wraps around, then a question mark a cell: which live next?

    Boards are random, row by row, half of the cells alive. With `extra["rollout"]` = 10 dev and
    test ask for the board after 10 steps while training still shows single steps: a model must
    iterate, its answers becoming the next board (see `advance`).
    """
    import numpy as np

    cells = int(size.extra["side"]) ** 2
    if size.length != 2 * cells or size.extra["side"] < 3:
        raise BadInput(
            f"life: side {size.extra['side']:g}, length {size.length}",
            "the length is twice the cells; a side has 3 cells or more",
        )

    def draws(draw: np.random.Generator, count: int, size: Size) -> Batch:
        tokens = np.full((count, 2 * cells), ASK, dtype=np.int64)
        tokens[:, :cells] = draw.integers(0, 2, (count, cells))
        return Batch(tokens, np.full_like(tokens, NOT_ASKED))

    batch = draw_split(draws, part, seed, count, size, "life", secret)
    steps = 1 if part == "train" else int(size.extra["rollout"])
    asked = replace(size, extra={**size.extra, "rollout": steps})
    batch.targets[:, cells:] = _after(batch.tokens[:, :cells], asked)
    return batch


def _after(boards: NDArray[np.int64], size: Size) -> NDArray[np.int64]:
    """Boards (N, cells) as many steps later as the rollout has."""
    import numpy as np

    side = int(size.extra["side"])
    world = boards.reshape(-1, side, side)
    for _ in range(int(size.extra["rollout"])):
        rows = world + np.roll(world, 1, 1) + np.roll(world, -1, 1)
        near = rows + np.roll(rows, 1, 2) + np.roll(rows, -1, 2) - world
        world = ((near == 3) | ((near == 2) & (world == 1))).astype(np.int64)
    return world.reshape(boards.shape)
