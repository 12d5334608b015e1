"""The tests of a run, computed again from its evidence by other code than the one that made them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from sandbox.ledger import Ledger
from sandbox.records import ComparisonLine, EvidenceLine, VerdictLine

MOST_PAIRS = 20


@dataclass(frozen=True)
class Disagreement:
    """A field of a line that does not follow from what it rests on."""

    kind: str
    id: str
    field: str
    recorded: float
    recomputed: float

    @property
    def sentence(self) -> str:
        """For people."""
        return (
            f"{self.kind} {self.id}: {self.field} is recorded as {self.recorded:.6g}, "
            f"its evidence gives {self.recomputed:.6g}"
        )


def sign_flip(differences: Sequence[float]) -> float:
    """The exact one-sided p of mean > 0: the share of sign assignments with at least the observed sum.

    Raises ValueError above 20 pairs. Source: Fisher 1935, section 21.
    """
    if len(differences) > MOST_PAIRS:
        raise ValueError(f"{len(differences)} pairs are too many to enumerate")
    sums = [0.0]
    for value in differences:
        sums = [total + sign * value for total, sign in itertools.product(sums, (1, -1))]
    slack = 1e-9 * max(1e-3, sum(abs(value) for value in differences))
    least = sum(differences) - slack
    return sum(total >= least for total in sums) / len(sums)


def holm(values: Sequence[float], family_size: int) -> list[float]:
    """Holm's adjusted p over a family of at least len(values) tests. Source: Holm 1979."""
    adjusted, worst = [0.0] * len(values), 0.0
    order = sorted(range(len(values)), key=lambda at: values[at])
    for rank, at in enumerate(order):
        worst = max(worst, min(1.0, (family_size - rank) * values[at]))
        adjusted[at] = worst
    return adjusted


def retest(ledger: Ledger, plans: Mapping[str, JsonValue]) -> list[Disagreement]:
    """Everything in comparisons and verdicts that their evidence does not give."""
    found: list[Disagreement] = []
    for line in ledger.lines(ComparisonLine):
        found.extend(_statistics(line))
        found.extend(_values(line, ledger, plans))
    found.extend(_corrections(ledger))
    return found


def _statistics(line: ComparisonLine) -> list[Disagreement]:
    differences = line.differences
    pairs = len(differences)
    expected = {"pairs": float(pairs), "effect": sum(differences) / max(pairs, 1)}
    if 0 < pairs <= MOST_PAIRS:
        expected["p_support"] = sign_flip([d - line.null_effect for d in differences])
        expected["p_refute"] = sign_flip([line.predicted_effect - d for d in differences])
    return _differing("comparison", line, expected)


def _values(
    line: ComparisonLine, ledger: Ledger, plans: Mapping[str, JsonValue]
) -> list[Disagreement]:
    """Means and differences from the evidence that the comparison names, by the frozen plan's sides."""
    test = plan_test(plans, line.experiment)
    used = [ledger.find(EvidenceLine, id) for id in line.evidence]
    known = [evidence for evidence in used if evidence is not None]
    if test is None or len(known) < len(used) or not line.differences:
        return []
    sides = {}
    for name in ("treatment", "control"):
        sides[name] = [_side(known, test[name], line.metric, seed) for seed in line.seeds]
    expected: dict[str, float] = {}
    for name, values in sides.items():
        complete = [value for value in values if value is not None]
        if len(complete) == len(line.seeds):
            expected[f"{name}_mean"] = sum(complete) / len(complete)
    found = _differing("comparison", line, expected)
    for at, (treated, control) in enumerate(zip(*sides.values(), strict=True)):
        if treated is not None and control is not None and at < len(line.differences):
            real = treated - control
            if not _equal(line.differences[at], real):
                field = f"the difference of seed {line.seeds[at]}"
                recorded = line.differences[at]
                found.append(Disagreement("comparison", line.id, field, recorded, real))
    return found


def plan_test(
    plans: Mapping[str, JsonValue], experiment: str
) -> dict[str, dict[str, object]] | None:
    """The `test` part of a frozen plan, None when the plan is not there."""
    plan = plans.get(experiment)
    test = plan.get("test") if isinstance(plan, dict) else None
    return test if isinstance(test, dict) else None  # type: ignore[return-value]


def _side(
    evidence: Sequence[EvidenceLine], side: Mapping[str, object], metric: str, seed: int
) -> float | None:
    """The best over the side's arms of the mean over its tasks; None when no arm has them all."""
    arms, tasks = side.get("arms"), side.get("tasks")
    if not isinstance(arms, list | tuple) or not isinstance(tasks, list | tuple):
        return None
    split = side.get("split", "test")
    means = []
    lower = False
    for arm in arms:
        values = {
            line.task: line
            for line in evidence
            if (line.arm, line.seed, line.metric, line.split) == (arm, seed, metric, split)
        }
        if all(task in values for task in tasks):
            means.append(sum(values[task].value for task in tasks) / len(tasks))
            lower = lower or values[tasks[0]].better == "lower"
    if not means:
        return None
    return min(means) if lower else max(means)


def _corrections(ledger: Ledger) -> list[Disagreement]:
    verdicts = ledger.lines(VerdictLine)
    tested = [(v, ledger.find(ComparisonLine, v.comparison)) for v in verdicts]
    known = [(verdict, line) for verdict, line in tested if line is not None]
    if not known:
        return []
    family_size = max(len(known), *(verdict.family_size for verdict, _ in known), 1)
    found: list[Disagreement] = []
    for field in ("p_support", "p_refute"):
        adjusted = holm([getattr(line, field) for _, line in known], family_size)
        for (verdict, _), value in zip(known, adjusted, strict=True):
            found.extend(_differing("verdict", verdict, {f"{field}_holm": value}))
    return found


def _differing(
    kind: str, line: ComparisonLine | VerdictLine, expected: Mapping[str, float]
) -> list[Disagreement]:
    return [
        Disagreement(kind, line.id, field, float(getattr(line, field)), value)
        for field, value in expected.items()
        if not _equal(float(getattr(line, field)), value)
    ]


def _equal(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-9 + 1e-7 * max(abs(a), abs(b))
