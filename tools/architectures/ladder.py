"""A ladder of writers by quality and speed: who else writes as well, and how fast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tools.architectures.speed_claim import Quality


@dataclass(frozen=True)
class Rung:
    """One way of writing. speeds: tokens in a second, by batch."""

    name: str
    quality: Quality
    speeds: Mapping[int, float]


def fastest_match(rung: Rung, ladder: Sequence[Rung], batch: int) -> Rung | None:
    """The fastest on the ladder, at that batch, whose text is no worse for the judge.

    Text that the guard catches matches nothing, on either side. None where nothing matches.
    """
    if rung.quality.problems:
        return None
    as_good = [
        other
        for other in ladder
        if not other.quality.problems and other.quality.judged_bits <= rung.quality.judged_bits
    ]
    return max(as_good, key=lambda other: other.speeds[batch], default=None)


def matched_ratio(rung: Rung, ladder: Sequence[Rung], batch: int) -> float | None:
    """Its speed over that of the fastest match; None where nothing matches."""
    match = fastest_match(rung, ladder, batch)
    return None if match is None else rung.speeds[batch] / match.speeds[batch]
