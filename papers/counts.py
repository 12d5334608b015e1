"""How many there were of what, and what it cost: sums over the ledger's lines."""

from __future__ import annotations

import math
from collections.abc import Callable

from papers.value import Unit, Value
from sandbox.errors import UnbackedNumber
from sandbox.ledger import Ledger
from sandbox.records import (
    CallLine,
    ComparisonLine,
    CostLine,
    DeviationLine,
    EvidenceLine,
    FailureLine,
    HypothesisLine,
    PlanLine,
    ReviewLine,
    TrialLine,
    VerdictLine,
)

_COSTS: dict[str, Unit] = {
    "wall_s": "s",
    "cpu_s": "s",
    "gpu_s": "s",
    "disk_bytes": "bytes",
    "trials": "count",
    "tokens": "count",
    "dollars": "number",
}


def count(ledger: Ledger, what: str) -> Value:
    """count:WHAT. Raises UnbackedNumber with the known names."""
    if what not in _COUNTS:
        raise UnbackedNumber(f"nothing counts {what!r}", f"known: {', '.join(sorted(_COUNTS))}")
    kind, counted = _COUNTS[what]
    return Value(float(counted(ledger)), "count", (f"ledger:{kind}",), what)


def spent(ledger: Ledger, what: str) -> Value:
    """cost:FIELD[/PREFIX]. Raises UnbackedNumber with the known fields."""
    field, _, prefix = what.partition("/")
    if field not in _COSTS:
        raise UnbackedNumber(f"no cost {field!r}", f"known: {', '.join(_COSTS)}")
    lines = [line for line in ledger.lines(CostLine) if line.what.startswith(prefix)]
    if not lines:
        raise UnbackedNumber(f"no cost line begins with {prefix!r}", "leave the prefix out")
    total = math.fsum(float(getattr(line, field)) for line in lines)
    return Value(total, _COSTS[field], ("ledger:cost",), what)


def _trials(keep: Callable[[TrialLine], bool]) -> Callable[[Ledger], int]:
    return lambda ledger: sum(keep(line) for line in ledger.lines(TrialLine))


def _rulings(ruling: str) -> Callable[[Ledger], int]:
    def counted(ledger: Ledger) -> int:
        last = {line.hypothesis: line.ruling for line in ledger.lines(VerdictLine)}
        return sum(found == ruling for found in last.values())

    return counted


def _findings(*severities: str) -> Callable[[Ledger], int]:
    def counted(ledger: Ledger) -> int:
        rounds = ledger.lines(ReviewLine)
        if not rounds:
            raise UnbackedNumber("no review has been recorded", "count findings after a review")
        return sum(int(getattr(rounds[-1], severity)) for severity in severities)

    return counted


def _untested(ledger: Ledger) -> int:
    ruled = {line.hypothesis for line in ledger.lines(VerdictLine)}
    return sum(line.id not in ruled for line in ledger.lines(HypothesisLine))


def _pilots(ledger: Ledger) -> int:
    """Calls that were tried out on development items, outside all plans."""
    calls = [line for line in ledger.lines(CallLine) if line.tool == "pilot"]
    return sum(line.status != "refused" for line in calls)


_COUNTS: dict[str, tuple[str, Callable[[Ledger], int]]] = {
    "trials": ("trial", _trials(lambda line: True)),
    "trials.ok": ("trial", _trials(lambda line: line.status == "ok")),
    "trials.failed": ("trial", _trials(lambda line: line.status != "ok")),
    "trials.cached": ("trial", _trials(lambda line: line.cached)),
    "arms": ("trial", lambda ledger: len({t.arm for t in ledger.lines(TrialLine)})),
    "seeds": ("trial", lambda ledger: len({t.seed for t in ledger.lines(TrialLine)})),
    "hypotheses": ("hypothesis", lambda ledger: len(ledger.lines(HypothesisLine))),
    "supported": ("verdict", _rulings("supported")),
    "refuted": ("verdict", _rulings("refuted")),
    "inconclusive": ("verdict", _rulings("inconclusive")),
    "untested": ("verdict", _untested),
    "pilots": ("call", _pilots),
    "plans": ("plan", lambda ledger: len(ledger.lines(PlanLine))),
    "rounds": ("plan", lambda ledger: len({p.round for p in ledger.lines(PlanLine)})),
    "evidence": ("evidence", lambda ledger: len(ledger.lines(EvidenceLine))),
    "comparisons": ("comparison", lambda ledger: len(ledger.lines(ComparisonLine))),
    "deviations": ("deviation", lambda ledger: len(ledger.lines(DeviationLine))),
    "failures": ("failure", lambda ledger: len(ledger.lines(FailureLine))),
    "reviews": ("review", lambda ledger: len(ledger.lines(ReviewLine))),
    "findings": ("review", _findings("blocking", "major", "minor")),
    "findings.blocking": ("review", _findings("blocking")),
    "findings.major": ("review", _findings("major")),
    "findings.minor": ("review", _findings("minor")),
}
