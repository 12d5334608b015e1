"""A room with walls, a box and someone who walks: a world that answers to actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.errors import BadInput
from tools.tasks.distinct import distinct
from tools.tasks.sequence import NOT_ASKED, Batch, Part, Size, Sizes, Variations, sequence_task
from tools.tasks.splitting import draw_split, split_stream
from tools.tasks.variation import along

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOVES = ((-1, 0), (1, 0), (0, -1), (0, 1))
AFTER = 3
"""Tokens after the state of a one-step prompt: the action and two question marks."""


def _size(side: int, walls: int, train: int, dev: int, test: int) -> Size:
    cells, extra = side * side, {"side": side, "walls": walls, "rollout": 1}
    return Size(3 * cells + 6, walls + 5, train, dev, test, outputs=cells, extra=extra)


SIZES: Sizes = {
    "quick": _size(4, 3, train=12_800, dev=320, test=640),
    "default": _size(6, 8, train=25_600, dev=640, test=1280),
    "paper": _size(12, 36, train=100_000, dev=1280, test=2560),
}
VARIATIONS: Variations = {
    "quick": {"rollout": along("rollout", 10)},
    "default": {"rollout": along("rollout", 10), "walls": ({"walls": 14, "length": 19},)},
    "paper": {"rollout": along("rollout", 10), "walls": ({"walls": 60, "length": 65},)},
}


def advance(
    tokens: NDArray[np.int64], answers: NDArray[np.int64], step: int, size: Size
) -> NDArray[np.int64]:
    """The answers become box and walker; of the actions, only the step's own is shown."""
    import numpy as np

    state, cells = int(size.extra["walls"]) + 2, int(size.extra["side"]) ** 2
    shown = tokens[:, :state].copy()
    if step:
        shown[:, -2:] = answers + np.array((cells, 2 * cells))
    return np.concatenate((shown, tokens[:, state + step, None], tokens[:, -2:]), 1)


@sequence_task(
    "grid_world",
    label="Grid world",
    source="Hanji",
    sizes=SIZES,
    chance=lambda size: size.extra["side"] ** -2,
    splits=True,
    variations=VARIATIONS,
    advance=advance,
)
def grid_world(part: Part, seed: int, count: int, size: Size, secret: str = "") -> Batch:
    """Where the walls are, the box and the walker, then a move: where are box and walker next?

    Tokens: the cells of the walls in order, the box's cell, the walker's, the action (up, down,
    left, right), two question marks. Walls and the room's edge stop the walker; a box in the way is
    pushed when the cell behind it is free. The walker faces the box wherever there is a cell to
    stand on, so that about a third of the boxes move.

    With `extra["rollout"]` = 10 dev and test show ten actions before the question marks and ask for
    the state after them while training still shows single steps: a model must iterate, its answers
    becoming the next state (see `advance`).
    """
    import numpy as np

    cells, walls = int(size.extra["side"]) ** 2, int(size.extra["walls"])
    if size.length != walls + 2 + AFTER or walls + 2 > cells:
        raise BadInput(
            f"grid_world: {walls} walls, length {size.length}",
            "the length is the walls + 5; walls, box and walker have a cell each",
        )
    batch = draw_split(_rooms, part, seed, count, size, "grid_world", secret)
    tokens, state = batch.tokens, walls + 2
    steps = 1 if part == "train" else int(size.extra["rollout"])
    draw = np.random.default_rng(split_stream(seed, "grid_world", part, secret, "actions"))
    more = 3 * cells + draw.integers(0, len(MOVES), (count, steps - 1))
    tokens = np.concatenate((tokens[:, : state + 1], more, tokens[:, state + 1 :]), 1)
    targets = np.full_like(tokens, NOT_ASKED)
    targets[:, -2:] = _after(tokens, steps, size)
    return Batch(tokens, targets)


def _rooms(draw: np.random.Generator, count: int, size: Size) -> Batch:
    """One-step prompts; nothing is asked yet."""
    import numpy as np

    side, walls = int(size.extra["side"]), int(size.extra["walls"])
    cells, rows = side * side, np.arange(count)
    placed = distinct(draw, count, walls + 2, cells)
    wall, box, walker = np.sort(placed[:, :walls], 1), placed[:, -2], placed[:, -1]
    action = draw.integers(0, len(MOVES), count)
    solid = _solid(wall, cells)
    facing, inside = _moved(box, action ^ 1, side)
    faces = inside & ~solid[rows, facing]
    walker = np.where(faces, facing, walker)
    ask = np.broadcast_to((3 * cells + 4, 3 * cells + 5), (count, 2))
    state = np.stack((box + cells, walker + 2 * cells, action + 3 * cells), 1)
    tokens = np.concatenate((wall, state, ask), 1)
    return Batch(tokens, np.full_like(tokens, NOT_ASKED))


def _after(tokens: NDArray[np.int64], steps: int, size: Size) -> NDArray[np.int64]:
    """Where box and walker are after the steps: (N, 2)."""
    import numpy as np

    side, walls = int(size.extra["side"]), int(size.extra["walls"])
    cells, rows = side * side, np.arange(len(tokens))
    solid = _solid(tokens[:, :walls], cells)
    box, walker = tokens[:, walls] - cells, tokens[:, walls + 1] - 2 * cells
    for step in range(steps):
        action = tokens[:, walls + 2 + step] - 3 * cells
        ahead, open_ahead = _moved(walker, action, side)
        behind, open_behind = _moved(box, action, side)
        pushed = open_ahead & (ahead == box)
        slides = pushed & open_behind & ~solid[rows, behind]
        walks = open_ahead & ~solid[rows, ahead] & (~pushed | slides)
        box, walker = np.where(slides, behind, box), np.where(walks, ahead, walker)
    return np.stack((box, walker), 1)


def _solid(wall: NDArray[np.int64], cells: int) -> NDArray[np.bool_]:
    import numpy as np

    solid = np.zeros((len(wall), cells), dtype=bool)
    np.put_along_axis(solid, wall, True, 1)
    return solid


def _moved(
    cell: NDArray[np.int64], action: NDArray[np.int64], side: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The neighbour in the action's direction, and whether it is in the room (else the cell)."""
    import numpy as np

    down, right = np.array(MOVES)[action].T
    row, column = cell // side + down, cell % side + right
    inside = (row >= 0) & (row < side) & (column >= 0) & (column < side)
    return np.where(inside, row * side + column, cell), inside
