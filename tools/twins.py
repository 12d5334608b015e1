"""Prompts whose later tokens are another's: what was said before them may not change.

A model that looks back only says the same before the place where two prompts part. Who answers is
asked a prompt or its twin, never both, so that there is nothing to recognise a twin by that would
help: what stood in the place of the changed tokens is not told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from sandbox.errors import OutputRejected
from tools.tasks.asked import MARK, prompts_of
from tools.tasks.sequence_score import read_logits
from tools.tasks.task import Item, TaskCard

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TRIES = 4
"""Other prompts whose later tokens are tried, until some differ."""
SHARE = 0.01
"""Of the compared answers that may change: sums in another order may tip what is almost a tie."""
NATS, LEAST = 0.05, -12.0
"""What a log-probability may move by, where it is above the second: 16-bit floats are as coarse."""


@dataclass(frozen=True)
class Twin:
    """The prompt of item `row`, with another's tokens from position `cut` on."""

    row: int
    cut: int
    prompt: str


def twins_of(
    items: Sequence[Item], rows: Sequence[int], givers: Sequence[int], draw: Random
) -> Iterator[Twin]:
    """One of each row that is asked anything before its end, and that a giver differs from.

    givers: rows that give their later tokens. They part right behind an answer, which then depends
    on no changed token unless it reads ahead, be it by one.
    """
    tokens, asked = prompts_of(items)
    for row in rows if givers else ():
        answered = asked[row, :-1].nonzero()[0].tolist()
        for _ in range(TRIES if answered else 0):
            cut, giver = 1 + draw.choice(answered), draw.choice(givers)
            if (tokens[giver, cut:] != tokens[row, cut:]).any():
                yield Twin(row, cut, _prompt(tokens[row], tokens[giver], cut, items[row]))
                break


def _prompt(mine: NDArray[np.int64], other: NDArray[np.int64], cut: int, item: Item) -> str:
    told = " ".join(map(str, [*mine[:cut].tolist(), *other[cut:].tolist()]))
    return f"{told} {MARK}{item.prompt.partition(MARK)[2]}"


@dataclass
class Compared:
    """Answers of twins to what stands before the change. moved: those that are others.

    last, last_moved: of them, the one of each twin that stands right before the change. Who reads
    little ahead moves few of all, and these.
    """

    answers: int = 0
    moved: int = 0
    last: int = 0
    last_moved: int = 0

    def add(self, card: TaskCard, item: Item, cut: int, said: tuple[str, str]) -> None:
        """Compare what was said to a prompt and to its twin. Raises OutputRejected."""
        asked = [int(word) for word in item.prompt.partition(MARK)[2].split()]
        before = sum(position < cut for position in asked)
        moved = _BY_KIND[card.kind](said, len(asked), card.classes)[:before]
        self.answers += before
        self.moved += sum(moved)
        self.last += 1
        self.last_moved += moved[-1]

    def check(self) -> None:
        """Raise OutputRejected when more answers changed than rounding explains."""
        for moved, answers in ((self.moved, self.answers), (self.last_moved, self.last)):
            if moved > SHARE * answers:
                raise OutputRejected(
                    f"the trained model looks ahead: {moved} of {answers} answers changed with "
                    "tokens that follow them",
                    "a mixer may read earlier positions only",
                )


def _classes(said: tuple[str, str], asked: int, classes: int) -> list[bool]:
    one, other = (text.split() for text in said)
    if len(one) != asked or len(other) != asked:
        raise OutputRejected(
            f"{len(one)} and {len(other)} answers for {asked} positions", "answer every position"
        )
    return [mine != its for mine, its in zip(one, other, strict=True)]


def _distributions(said: tuple[str, str], asked: int, classes: int) -> list[bool]:
    import numpy as np

    logs = []
    for text in said:
        logits = read_logits(text, asked, classes, 0)
        logits -= logits.max(-1, keepdims=True)
        logs.append(np.maximum(logits - np.log(np.exp(logits).sum(-1, keepdims=True)), LEAST))
    moved: list[bool] = (abs(logs[0] - logs[1]).max(-1) > NATS).tolist()
    return moved


_BY_KIND = {"positions": _classes, "bits": _distributions}
