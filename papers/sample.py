"""One measured quantity over the seeds of an arm, and its statistics."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from papers.value import Unit
from sandbox.errors import UnbackedNumber
from sandbox.records import EvidenceLine

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Sample:
    """by_seed: seed, as text -> its evidence, in order of the seeds."""

    name: str
    by_seed: Mapping[str, EvidenceLine]

    @staticmethod
    def of(name: str, lines: Sequence[EvidenceLine]) -> Sample:
        """Group by seed. Raises UnbackedNumber when a seed has two different values."""
        by_seed: dict[str, EvidenceLine] = {}
        for line in sorted(lines, key=lambda e: e.seed):
            known = by_seed.setdefault(str(line.seed), line)
            if (known.value, known.unit) != (line.value, line.unit):
                raise UnbackedNumber(
                    f"{name} has two values for seed {line.seed}: "
                    f"evidence {known.id} and {line.id}",
                    "an arm's name stands for one tool call; cite one by ev:ID",
                )
        return Sample(name, by_seed)

    @property
    def values(self) -> tuple[float, ...]:
        """One value a seed, in order of the seeds."""
        return tuple(line.value for line in self.by_seed.values())

    @property
    def unit(self) -> Unit:
        """The unit that all share."""
        return next(iter(self.by_seed.values())).unit

    @property
    def sources(self) -> tuple[str, ...]:
        """The evidence, in order of the seeds."""
        return tuple(f"evidence:{line.id}" for line in self.by_seed.values())

    def statistic(self, name: str) -> float:
        """mean, sd (n - 1), min, max, median, low, high, n.

        Raises UnbackedNumber for a spread or an interval of one seed.
        """
        return _STATISTICS[name](self)

    def _spread(self) -> float:
        if len(self.values) < 2:
            raise UnbackedNumber(
                f"{self.name} has one seed, so no spread and no interval", "give the value alone"
            )
        return statistics.stdev(self.values)

    def _mean(self) -> float:
        return math.fsum(self.values) / len(self.values)

    def _bound(self, side: int) -> float:
        """An end of the Student t interval of the mean. Source: Student 1908."""
        from scipy.special import stdtrit

        n = len(self.values)
        half = self._spread() / math.sqrt(n) * float(stdtrit(n - 1, 0.5 + CONFIDENCE / 2))
        bound = self._mean() + side * half
        return min(1.0, max(0.0, bound)) if self.unit == "fraction" else bound


_STATISTICS: dict[str, Callable[[Sample], float]] = {
    "mean": Sample._mean,
    "sd": Sample._spread,
    "min": lambda sample: min(sample.values),
    "max": lambda sample: max(sample.values),
    "median": lambda sample: statistics.median(sample.values),
    "low": lambda sample: sample._bound(-1),
    "high": lambda sample: sample._bound(+1),
    "n": lambda sample: float(len(sample.values)),
}
