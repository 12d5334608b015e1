"""Conway's Life, many steps after single ones were learned."""

from __future__ import annotations

from tools.tasks.sequence import Batch, Part, Size, Sizes, sequence_task
from tools.tasks.suite import life as single

STEPS = 10


def _size(side: int, train: int, dev: int, test: int) -> Size:
    extra = {"side": side, "rollout": STEPS}
    return Size(3, 2 * side * side, train, dev, test, outputs=2, extra=extra)


SIZES: Sizes = {
    "quick": _size(6, train=9600, dev=160, test=320),
    "default": _size(8, train=25_600, dev=320, test=640),
    "paper": _size(16, train=100_000, dev=640, test=1280),
}


@sequence_task(
    "life_rollout",
    label="Cells of Life, rolled out",
    source="Gardner 1970 (Scientific American 223(4))",
    sizes=SIZES,
    chance=single.chance,
    splits=True,
    advance=single.advance,
)
def life_rollout(part: Part, seed: int, count: int, size: Size, secret: str = "") -> Batch:
    """The cells of a board that wraps around: which live 10 steps later?

    Training shows the single steps of `life`; what a model says after a step becomes its next board
    (see `life.advance`), so its errors add up. The boards are a little larger, for those of 4 x 4
    are nearly all dead by then.
    """
    return single.life(part, seed, count, size, secret)
