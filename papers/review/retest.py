"""The tests of a run, computed again from its evidence by other code than made them."""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from papers.claim import least_pairs
from sandbox.ledger import Ledger
from sandbox.records import ComparisonLine, EvidenceLine, Ruling, VerdictLine

MOST_PAIRS = 36
RESAMPLED = 1_000_000


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
    """The exact one-sided p of mean > 0: the share of sign flips with at least the observed sum.

    Counted half by half, so up to 36 pairs. Raises ValueError above. Source: Fisher 1935, section
    21; the halves are those of Horowitz and Sahni 1974.
    """
    if len(differences) > MOST_PAIRS:
        raise ValueError(f"{len(differences)} pairs are too many to enumerate")
    middle = len(differences) // 2
    left, right = _sums(differences[:middle]), sorted(_sums(differences[middle:]))
    slack = 1e-9 * max(1e-3, sum(abs(value) for value in differences))
    least = sum(differences) - slack
    reached = sum(len(right) - bisect.bisect_left(right, least - total) for total in left)
    return reached / (len(left) * len(right))


def _sums(differences: Sequence[float]) -> list[float]:
    sums = [0.0]
    for value in differences:
        sums = [total + sign * value for total in sums for sign in (1, -1)]
    return sums


def holm(values: Sequence[float], family_size: int) -> list[float]:
    """Holm's adjusted p over a family of at least len(values) tests. Source: Holm 1979."""
    adjusted, worst = [0.0] * len(values), 0.0
    order = sorted(range(len(values)), key=lambda at: values[at])
    for rank, at in enumerate(order):
        worst = max(worst, min(1.0, (family_size - rank) * values[at]))
        adjusted[at] = worst
    return adjusted


def retest(ledger: Ledger, plans: Mapping[str, JsonValue]) -> list[Disagreement]:
    """Everything in evidence, tests and verdicts that does not follow from what it rests on."""
    found = _counts(ledger)
    for line in ledger.lines(ComparisonLine):
        found.extend(_statistics(line))
        found.extend(_values(line, ledger, plans))
    found.extend(_corrections(ledger))
    return found


def _counts(ledger: Ledger) -> list[Disagreement]:
    """Accuracies that no whole number of right answers gives."""
    found = []
    for line in ledger.lines(EvidenceLine):
        if line.metric != "accuracy" or line.unit != "fraction":
            continue
        right = line.value * line.items
        whole = line.correct if line.correct >= 0 else round(right)
        if line.items < 1 or abs(right - whole) > 1e-6 * max(1, line.items):
            field = f"right answers of {line.items}"
            found.append(Disagreement("evidence", line.id, field, whole, right))
    return found


def misruled(ledger: Ledger) -> list[VerdictLine]:
    """Verdicts that the frozen rule does not give."""
    pairs = [(v, ledger.find(ComparisonLine, v.comparison)) for v in ledger.lines(VerdictLine)]
    return [v for v, line in pairs if line is not None and ruling(v, line) != v.ruling]


def ruling(verdict: VerdictLine, line: ComparisonLine) -> Ruling:
    """What the frozen rule says about a comparison with its corrected p-values."""
    if line.pairs < least_pairs(verdict.alpha, verdict.family_size):
        return "inconclusive"
    if verdict.p_support_holm <= verdict.alpha and line.effect >= line.predicted_effect:
        return "supported"
    return "refuted" if verdict.p_refute_holm <= verdict.alpha else "inconclusive"


def _statistics(line: ComparisonLine) -> list[Disagreement]:
    differences = line.differences
    pairs = len(differences)
    expected = {"pairs": float(pairs), "effect": sum(differences) / max(pairs, 1)}
    if 0 < pairs <= MOST_PAIRS:
        expected["p_support"] = sign_flip([d - line.null_effect for d in differences])
        expected["p_refute"] = sign_flip([line.predicted_effect - d for d in differences])
    return [flaw for flaw in _differing("comparison", line, expected) if not _by_chance(line, flaw)]


def _by_chance(line: ComparisonLine, flaw: Disagreement) -> bool:
    """Whether a p-value from random sign flips is within five errors of the exact one."""
    if line.exact or not flaw.field.startswith("p_"):
        return False
    error = math.sqrt(max(flaw.recomputed * (1 - flaw.recomputed), 1e-6) / RESAMPLED)
    return abs(flaw.recorded - flaw.recomputed) <= 5 * error


def _values(
    line: ComparisonLine, ledger: Ledger, plans: Mapping[str, JsonValue]
) -> list[Disagreement]:
    """Means and differences, from the evidence that it names, by the plan's sides."""
    test = plan_test(plans, line.experiment)
    known = [e for id in line.evidence if (e := ledger.find(EvidenceLine, id)) is not None]
    if test is None:
        return []
    sides = [_names(test[name], "tasks") for name in ("treatment", "control")]
    pairs = len(line.seeds)
    due = pairs * sum(len(tasks) for tasks in sides)
    if len(known) != due:
        return [
            Disagreement("comparison", line.id, "the number of values", len(line.evidence), due)
        ]
    cut = pairs * len(sides[0])
    treated = _by_seed(known[:cut], sides[0], line)
    control = _by_seed(known[cut:], sides[1], line)
    best = _best_by_name(line, ledger, test["control"])
    control = [max(pair) for pair in zip(control, best, strict=True)]
    found = []
    if pairs:
        means = {"treatment_mean": sum(treated) / pairs, "control_mean": sum(control) / pairs}
        found = _differing("comparison", line, means)
    for seed, recorded, real in zip(
        line.seeds,
        line.differences,
        [t - c for t, c in zip(treated, control, strict=True)],
        strict=False,
    ):
        if not _equal(recorded, real):
            field = f"the difference of seed {seed}"
            found.append(Disagreement("comparison", line.id, field, recorded, real))
    return found


def _by_seed(
    evidence: Sequence[EvidenceLine], tasks: Sequence[str], line: ComparisonLine
) -> list[float]:
    """For each seed the mean over the tasks; infinite where a value is of another seed or task."""
    means = []
    for at, seed in enumerate(line.seeds):
        own = evidence[at * len(tasks) : (at + 1) * len(tasks)]
        fits = {(e.seed, e.metric) for e in own} == {(seed, line.metric)}
        fits = fits and sorted(e.task for e in own) == sorted(tasks)
        means.append(sum(e.value for e in own) / len(own) if fits else math.inf)
    return means


def _best_by_name(line: ComparisonLine, ledger: Ledger, side: Mapping[str, object]) -> list[float]:
    """For each seed the best that the side's arms reached under their own names."""
    tasks, split = _names(side, "tasks"), side.get("split", "test")
    values: dict[tuple[str, int, str], float] = {}
    for e in ledger.lines(EvidenceLine):
        if (e.metric, e.split) == (line.metric, split):
            values[e.arm, e.seed, e.task] = e.value
    best = []
    for seed in line.seeds:
        means = [
            sum(values[arm, seed, task] for task in tasks) / len(tasks)
            for arm in _names(side, "arms")
            if all((arm, seed, task) in values for task in tasks)
        ]
        best.append(max(means, default=-math.inf))
    return best


def _names(side: Mapping[str, object], key: str) -> list[str]:
    names = side.get(key)
    return [str(name) for name in names] if isinstance(names, list | tuple) else []


def plan_test(
    plans: Mapping[str, JsonValue], experiment: str
) -> dict[str, dict[str, object]] | None:
    """The `test` part of a frozen plan, None when the plan is not there."""
    plan = plans.get(experiment)
    test = plan.get("test") if isinstance(plan, dict) else None
    return test if isinstance(test, dict) else None  # type: ignore[return-value]


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
