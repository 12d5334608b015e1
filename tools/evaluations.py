"""Evaluations that a search spends, those of an interrupted attempt read from its journal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from sandbox.errors import BadInput
from tools.trial import SearchPoint

Candidate = TypeVar("Candidate")


@dataclass
class Evaluations(Generic[Candidate]):
    """Evaluates candidates, up to a limit, and remembers all.

    evaluate: candidate -> fitness, higher is better. journal: evaluations of an interrupted
    attempt, which are not done again. note: called after every evaluation, also those of the
    journal, so that the log of a resumed search is whole.
    """

    evaluate: Callable[[Candidate], float]
    limit: int
    journal: Sequence[SearchPoint] = ()
    note: Callable[[SearchPoint], None] = lambda point: None
    history: list[SearchPoint] = field(default_factory=list)
    tried: list[tuple[Candidate, float]] = field(default_factory=list)

    @property
    def left(self) -> int:
        """Evaluations that may still be spent."""
        return self.limit - len(self.history)

    @property
    def best(self) -> Candidate:
        """The first of equals."""
        return max(self.tried, key=lambda one: one[1])[0]

    def spend(self, candidate: Candidate) -> float:
        """Evaluate it, or read its fitness in the journal. Raises BadInput for a broken journal."""
        assert self.left > 0, "a strategy spent more than its limit"
        number = len(self.history) + 1
        known = number <= len(self.journal)
        value = self._remembered(number) if known else self.evaluate(candidate)
        best = max(value, self.history[-1].best) if self.history else value
        self.tried.append((candidate, value))
        self.history.append(SearchPoint(evaluation=number, fitness=value, best=best))
        self.note(self.history[-1])
        return value

    def _remembered(self, number: int) -> float:
        entry = self.journal[number - 1]
        if entry.evaluation != number:
            raise BadInput(
                f"the journal's line {number} is evaluation {entry.evaluation}",
                "delete the trial's log to start its search anew",
            )
        return entry.fitness
