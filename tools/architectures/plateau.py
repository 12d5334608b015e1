"""Stretches of a training in which the loss stood still."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
    found: list[Plateau] = []
    if not curve:
        return found
    best = curve[0]
    for point in curve[1:]:
        if point.loss < best.loss * (1.0 - GAIN):
            if point.step - best.step >= least:
                found.append(Plateau(best.step, point.step, best.loss))
            best = point
    if curve[-1].step - best.step >= least:
        found.append(Plateau(best.step, curve[-1].step, best.loss))
    return found


def stands_still(curve: Sequence[Point], least: int) -> bool:
    """Whether the curve ends in a plateau of at least `least` steps."""
    found = plateaus(curve, least)
    return bool(found) and found[-1].until == curve[-1].step
