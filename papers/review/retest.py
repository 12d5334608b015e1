"""The tests of a run, computed again from its evidence by other code than made them."""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from papers.claim import least_pairs
from papers.planned import PlannedSide, is_gate, plan_test, side_of
from papers.review.resampling import DRAWS, interval_ends, sampled_sign_flip
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
        if math.isinf(self.recomputed):
            return f"{self.kind} {self.id}: {self.field} rests on values that no plan gives it"
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
    found.extend(_corrections(ledger, plans))
    found.extend(_levels(ledger, plans))
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


def misruled(ledger: Ledger, plans: Mapping[str, JsonValue]) -> list[VerdictLine]:
    """Verdicts that the frozen rule does not give."""
    pairs = [(v, ledger.find(ComparisonLine, v.comparison)) for v in ledger.lines(VerdictLine)]
    return [v for v, line in pairs if ruling(v, line, plans) != v.ruling]


def ruling(
    verdict: VerdictLine, line: ComparisonLine | None, plans: Mapping[str, JsonValue]
) -> Ruling:
    """What the frozen rule says about a comparison, or none, with its corrected p-values."""
    if line is None or line.pairs < least_pairs(verdict.alpha, verdict.family_size):
        return "inconclusive"
    reaches = line.effect >= line.predicted_effect - 1e-12  # a mean of decimals is rarely exact
    if verdict.p_support_holm <= verdict.alpha and reaches:
        least = (plan_test(plans, line.experiment) or {}).get("least_control", 0.0)
        if isinstance(least, int | float) and line.control_mean < least:
            return "inconclusive"
        return "supported"
    return "refuted" if verdict.p_refute_holm <= verdict.alpha else "inconclusive"


def _statistics(line: ComparisonLine) -> list[Disagreement]:
    differences = line.differences
    pairs = len(differences)
    expected = {"pairs": float(pairs), "effect": sum(differences) / max(pairs, 1)}
    if pairs:
        expected["p_support"] = _p([d - line.null_effect for d in differences])
        expected["p_refute"] = _p([line.predicted_effect - d for d in differences])
    flaws = [
        flaw for flaw in _differing("comparison", line, expected) if not _by_chance(line, flaw)
    ]
    return flaws + _interval(line) if pairs else flaws


def _p(differences: Sequence[float]) -> float:
    """Exact where the signs can be enumerated."""
    return (sign_flip if len(differences) <= MOST_PAIRS else sampled_sign_flip)(differences)


def _by_chance(line: ComparisonLine, flaw: Disagreement) -> bool:
    """Whether a p-value from random sign flips is within five errors of ours."""
    if line.exact or not flaw.field.startswith("p_"):
        return False
    draws = RESAMPLED if line.pairs <= MOST_PAIRS else DRAWS
    error = math.sqrt(max(flaw.recomputed * (1 - flaw.recomputed), 1e-6) / draws)
    return abs(flaw.recorded - flaw.recomputed) <= 5 * error


def _interval(line: ComparisonLine) -> list[Disagreement]:
    """Ends of the bootstrap interval that no resampling of its size would give."""
    ends = interval_ends(line.differences)
    return [
        Disagreement("comparison", line.id, field, recorded, (least + most) / 2)
        for field, recorded, (least, most) in zip(
            ("low", "high"), (line.low, line.high), ends, strict=True
        )
        if not least - 1e-9 <= recorded <= most + 1e-9
    ]


def _values(
    line: ComparisonLine, ledger: Ledger, plans: Mapping[str, JsonValue]
) -> list[Disagreement]:
    """Means and differences, from the evidence that it names, by the plan's sides."""
    treatment, against = (side_of(plans, line.experiment, n) for n in ("treatment", "control"))
    known = [e for id in line.evidence if (e := ledger.find(EvidenceLine, id)) is not None]
    if treatment is None or against is None:
        return []
    pairs = len(line.seeds)
    due = pairs * (len(treatment.tasks) + len(against.tasks))
    if len(known) != due:
        return [
            Disagreement("comparison", line.id, "the number of values", len(line.evidence), due)
        ]
    cut = pairs * len(treatment.tasks)
    treated = _by_seed(known[:cut], treatment, line, ledger)
    control = _by_seed(known[cut:], against, line, ledger)
    best = _best_by_name(line, ledger, against)
    control = [max(pair) for pair in zip(control, best, strict=True)]
    found = []
    if pairs:
        means = {"treatment_mean": sum(treated) / pairs, "control_mean": sum(control) / pairs}
        found = _differing("comparison", line, means)
    reals = [t - c for t, c in zip(treated, control, strict=True)]
    for seed, recorded, real in zip(line.seeds, line.differences, reals, strict=False):
        if not _equal(recorded, real):
            field = f"the difference of seed {seed}"
            found.append(Disagreement("comparison", line.id, field, recorded, real))
    return found


def _by_seed(
    evidence: Sequence[EvidenceLine], side: PlannedSide, line: ComparisonLine, ledger: Ledger
) -> list[float]:
    """For each seed the mean over the tasks; infinite where a value is not one that is due."""
    means, count = [], len(side.tasks)
    for at, seed in enumerate(line.seeds):
        own = evidence[at * count : (at + 1) * count]
        fits = {(e.seed, e.metric) for e in own} == {(seed, line.metric)}
        fits = fits and sorted(e.task for e in own) == sorted(side.tasks)
        fits = fits and all(side.holds(e, ledger) for e in own)
        means.append(sum(e.value for e in own) / len(own) if fits else math.inf)
    return means


def _best_by_name(line: ComparisonLine, ledger: Ledger, side: PlannedSide) -> list[float]:
    """For each seed the best that the side's arms reached under their own names."""
    values: dict[tuple[str, int, str], float] = {}
    for e in ledger.lines(EvidenceLine):
        if (e.metric, e.split) == (line.metric, side.split):
            values[e.arm, e.seed, e.task] = e.value
    best = []
    for seed in line.seeds:
        means = [
            sum(values[arm, seed, task] for task in side.tasks) / len(side.tasks)
            for arm in side.arms
            if all((arm, seed, task) in values for task in side.tasks)
        ]
        best.append(max(means, default=-math.inf))
    return best


def _corrections(ledger: Ledger, plans: Mapping[str, JsonValue]) -> list[Disagreement]:
    """Each part of a gate is a family of its own; all other tests are one."""
    verdicts = ledger.lines(VerdictLine)
    tested = [(v, ledger.find(ComparisonLine, v.comparison)) for v in verdicts]
    known = [(verdict, line) for verdict, line in tested if line is not None]
    alone = [[pair] for pair in known if is_gate(plans, pair[1].experiment)]
    rest = [pair for pair in known if [pair] not in alone]
    return [flaw for family in (*alone, rest) if family for flaw in _corrected(family)]


def _corrected(known: Sequence[tuple[VerdictLine, ComparisonLine]]) -> list[Disagreement]:
    family_size = max(len(known), *(verdict.family_size for verdict, _ in known), 1)
    found: list[Disagreement] = []
    for field in ("p_support", "p_refute"):
        adjusted = holm([getattr(line, field) for _, line in known], family_size)
        for (verdict, _), value in zip(known, adjusted, strict=True):
            found.extend(_differing("verdict", verdict, {f"{field}_holm": value}))
    return found


def _levels(ledger: Ledger, plans: Mapping[str, JsonValue]) -> list[Disagreement]:
    """Verdicts at another level, or corrected for a smaller family, than their plan froze."""
    found = []
    for verdict in ledger.lines(VerdictLine):
        line = ledger.find(ComparisonLine, verdict.comparison)
        test: Mapping[str, object] = plan_test(plans, line.experiment) or {} if line else {}
        alpha, family = test.get("alpha"), test.get("family_size")
        if isinstance(alpha, int | float) and not _equal(verdict.alpha, alpha):
            found.append(Disagreement("verdict", verdict.id, "alpha", verdict.alpha, alpha))
        if isinstance(family, int) and verdict.family_size < family:
            size = verdict.family_size
            found.append(Disagreement("verdict", verdict.id, "family_size", size, family))
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
    return math.isclose(a, b, rel_tol=1e-7, abs_tol=1e-9)  # never an infinite one
