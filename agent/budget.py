"""One budget over time, trials, CPU, GPU, disk, tokens and money: reserve before spending."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime

from pydantic import JsonValue

from sandbox.errors import BudgetSpent
from sandbox.ledger import Ledger, Sealed
from sandbox.records import CostLine, TrialLine, short_id

SESSION = "session"
PILOT = "pilot"
"""What the cost line of a trial begins with that is no part of a plan."""
OUT_OF_TIME = "the wall time ran out while trials were running"
NO_GATE = "the budget leaves no room for the known order, which has to be reproduced first"
NO_QUESTION = "no question is left that the budget can answer"
NO_ANSWER = "the budget leaves no room for what the question speaks of most; raise budget.wall"
NOT_AFFORDED = (NO_GATE, NO_QUESTION, NO_ANSWER)
"""Why nothing was asked, where the budget is the reason."""
REPORT_RESERVE_S = 60.0
REPORT_SHARE = 0.25


@dataclass(frozen=True)
class Spend:
    """An amount of every resource. Times in seconds, disk in bytes, money in dollars."""

    wall_s: float = 0.0
    trials: int = 0
    cpu_s: float = 0.0
    gpu_s: float = 0.0
    disk_bytes: int = 0
    tokens: int = 0
    dollars: float = 0.0

    def __add__(self, other: Spend) -> Spend:
        return Spend(
            **{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        )

    def __sub__(self, other: Spend) -> Spend:
        return Spend(
            **{f.name: getattr(self, f.name) - getattr(other, f.name) for f in fields(self)}
        )

    def exceeded_in(self, caps: Spend) -> list[str]:
        """Names of the resources of which this is more than `caps` allows."""
        return [
            f.name for f in fields(self) if getattr(self, f.name) > getattr(caps, f.name) + 1e-9
        ]

    def facts(self) -> dict[str, JsonValue]:
        """As JSON, rounded to what a person reads."""
        rounded: dict[str, JsonValue] = {}
        for name, value in asdict(self).items():
            rounded[name] = round(value, 3) if isinstance(value, float) else value
        return rounded


@dataclass(frozen=True)
class Reservation:
    """What was set aside for `what` and not yet settled."""

    id: int
    what: str
    estimate: Spend


class Budget:
    """Caps, what is spent and what is reserved. Threads may share it.

    earlier_wall_s: wall time of earlier sessions of the same run. The wall cap keeps `report_s`
    back, so that the report can always be written; only `for_report=True` may reserve from it.
    """

    def __init__(
        self,
        caps: Spend,
        spent: Spend | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.caps = caps
        self.report_s = min(REPORT_RESERVE_S, REPORT_SHARE * caps.wall_s)
        self._clock = clock
        self._began = clock()
        self._spent = spent if spent is not None else Spend()
        self._earlier_wall_s = self._spent.wall_s
        self._open: dict[int, Reservation] = {}
        self._next = 0
        self._lock = threading.Lock()

    def reserve(self, estimate: Spend, what: str, *, for_report: bool = False) -> Reservation:
        """Set `estimate` aside.

        Raises BudgetSpent naming the resource when a cap would be passed; one that is not asked
        for and overdrawn by others keeps nobody from the rest, but time does.
        """
        with self._lock:
            held = sum((r.estimate for r in self._open.values()), Spend())
            asked = self._now() + replace(held, wall_s=0.0) + estimate
            caps = self.caps if for_report else self._caps_before_report()
            over = [
                name
                for name in asked.exceeded_in(caps)
                if name == "wall_s" or getattr(estimate, name) > 0
            ]
            if over:
                raise BudgetSpent(
                    f"{what} would pass the budget's {' and '.join(over)}",
                    "raise the budget in the topic file, or ask for fewer hypotheses",
                )
            self._next += 1
            reservation = Reservation(self._next, what, estimate)
            self._open[reservation.id] = reservation
            return reservation

    def settle(self, reservation: Reservation, actual: Spend) -> None:
        """Give the reservation back and count what was really spent; wall time counts itself."""
        with self._lock:
            if self._open.pop(reservation.id, None) is None:
                raise ValueError(f"{reservation.what} was settled before")
            self._spent = self._spent + replace(actual, wall_s=0.0)

    def charge(self, actual: Spend) -> None:
        """Count something that was spent without a reservation."""
        with self._lock:
            self._spent = self._spent + replace(actual, wall_s=0.0)

    def spent(self) -> Spend:
        """Everything spent so far, in all sessions."""
        with self._lock:
            return self._now()

    def left(self) -> Spend:
        """What may still be spent before the report's own share."""
        with self._lock:
            held = sum((r.estimate for r in self._open.values()), Spend())
            return self._caps_before_report() - self._now() - replace(held, wall_s=0.0)

    def seconds_left(self) -> float:
        """Wall seconds until the budget's end, the report's share included."""
        return max(0.0, self.caps.wall_s - self.spent().wall_s)

    def work_seconds_left(self) -> float:
        """Wall seconds until the report must be begun."""
        return max(0.0, self.left().wall_s)

    def _caps_before_report(self) -> Spend:
        return replace(self.caps, wall_s=self.caps.wall_s - self.report_s)

    def _now(self) -> Spend:
        return replace(self._spent, wall_s=self._earlier_wall_s + self._clock() - self._began)


def spent_before(ledger: Ledger) -> Spend:
    """What earlier sessions of the run spent, read back from the ledger.

    A session's wall time runs from its own cost line to the last line written in it: a session that
    was killed left no closing line. CPU and trials are those of the trials that were really run.
    """
    trials = [line for line in ledger.lines(TrialLine) if not line.cached]
    costs = [line for line in ledger.lines(CostLine) if not line.trials]
    return Spend(
        wall_s=sum(_wall_s(session) for session in _sessions(ledger.sealed())),
        trials=len(trials) + sum(line.what.startswith(f"{PILOT} ") for line in costs),
        cpu_s=sum(line.cpu_s for line in trials) + sum(line.cpu_s for line in costs),
        gpu_s=sum(line.gpu_s for line in ledger.lines(CostLine)),
        disk_bytes=sum(line.disk_bytes for line in ledger.lines(CostLine)),
        tokens=sum(line.tokens for line in costs),
        dollars=sum(line.dollars for line in costs),
    )


def open_session(ledger: Ledger) -> None:
    """Mark in the ledger that a session begins now."""
    number = 1 + len(_sessions(ledger.sealed()))
    ledger.append(CostLine(id=short_id([SESSION, number]), what=f"{SESSION} {number}"))


def _sessions(sealed: list[Sealed]) -> list[list[Sealed]]:
    sessions: list[list[Sealed]] = []
    for line in sealed:
        if isinstance(line.line, CostLine) and line.line.what.startswith(f"{SESSION} "):
            sessions.append([])
        if sessions:
            sessions[-1].append(line)
    return sessions


def _wall_s(session: list[Sealed]) -> float:
    first, last = (datetime.fromisoformat(s.at) for s in (session[0], session[-1]))
    return max(0.0, (last - first).total_seconds())
