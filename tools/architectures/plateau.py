"""Stretches of a training in which the loss stood still."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

GAIN = 0.02
"""A loss lower than the best by this share ends a plateau."""


@dataclass(frozen=True)
class Point:
    """One point of a training's curve: mean loss of the steps since the last, in nats.

    step: steps done by then. seconds: of CPU (or of the device) spent by then.
    """

    step: int
    loss: float
    seconds: float


@dataclass(frozen=True)
class Plateau:
    """Steps `since` to `until` without progress.

    loss: the best there; it tells a stuck training from one that has nothing left to learn.
    """

    since: int
    until: int
    loss: float

    @property
    def steps(self) -> int:
        """Its length."""
        return self.until - self.since


def plateaus(curve: Sequence[Point], least: int) -> list[Plateau]:
    """Every plateau of at least `least` steps, in order; the last may reach to the curve's end.

    Recall tasks are learned in a jump after a plateau, so a plateau alone does not end a training.
    """
    return [
        Plateau(low.step, then.step, low.loss)
        for low, then in pairwise([*_lows(curve), *curve[-1:]])
        if then.step - low.step >= least
    ]


def stands_still(curve: Sequence[Point], least: int) -> bool:
    """Whether the curve has come to a plateau of at least `least` steps and not left it."""
    return bool(curve) and curve[-1].step - _lows(curve)[-1].step >= least


def _lows(curve: Sequence[Point]) -> list[Point]:
    """The first point, and each that is progress over all before it."""
    lows = list(curve[:1])
    for point in curve[1:]:
        if point.loss < lows[-1].loss * (1.0 - GAIN):
            lows.append(point)
    return lows
