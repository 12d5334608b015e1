"""Two whole numbers next to each other, between which a growing count passes its target."""

from __future__ import annotations

from collections.abc import Callable


def bracket(count: Callable[[int], float], target: float, most: int) -> tuple[int, int]:
    """The last number whose count is below the target, and the next; 0 where there is none.

    count: grows with its number, from 1. most: the largest number tried.
    """
    low, high = 0, 1
    while high <= most and count(high) < target:
        low, high = high, high * 2
    if high > most and count(most) < target:
        return most, 0
    high = min(high, most)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) < target else (low, middle)
    return low, high
