"""Compare two arms over paired seeds, and rule on hypotheses by exact tests and Holm."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sandbox.errors import NothingToCompare
from sandbox.ledger import Ledger
from sandbox.records import ComparisonLine, EvidenceLine, Ruling, VerdictLine, short_id
from tools.experiment import Experiment, Side
from tools.freeze import seeds_needed
from tools.measured import Measured

MOST_EXACT_PAIRS = 20
RESAMPLES = 9999
_RANDOM_SEED = 20240229
_STEP = math.pi * 1e-9


def compare(experiment: Experiment, ledger: Ledger) -> ComparisonLine:
    """The experiment's paired test on the evidence of its seeds.

    A side's value for a seed is its best arm's, each arm averaged over the side's tasks. With
    several control arms that is the best of them on the very items of the test, which favours the
    control and so makes the test conservative. Seeds without both sides are listed as missing.
    Raises NothingToCompare when all are.
    """
    pairs, missing = _pairs(experiment, Measured(ledger, experiment))
    if not pairs:
        raise NothingToCompare(
            f"no seed of experiment {experiment.id} has both treatment and control",
            "see the failures of its trials with `hanji show RUN`",
        )
    facts = _facts(experiment, pairs, missing)
    return ComparisonLine.model_validate({"id": short_id(facts), **facts})


def compare_all(experiments: Iterable[Experiment], ledger: Ledger) -> list[ComparisonLine]:
    """Comparisons of the experiments that have at least one pair; `rule` speaks of the others."""
    lines = []
    for experiment in experiments:
        try:
            lines.append(compare(experiment, ledger))
        except NothingToCompare:
            continue
    return lines


def rule(
    comparisons: Sequence[ComparisonLine], experiments: Sequence[Experiment]
) -> list[VerdictLine]:
    """One verdict per experiment, in their order.

    Holm goes over all support tests and over all refute tests but those of a gate, each of which
    is tested by itself. The family is as large as the largest that a plan declared, or as it has
    experiments if that is more. An experiment without a comparison counts with p = 1.
    """
    found = {line.experiment: line for line in comparisons}
    others = [experiment for experiment in experiments if not experiment.test.gate]
    verdicts = _corrected(others, found)
    for experiment in experiments:
        if experiment.test.gate:
            verdicts |= _corrected([experiment], found)
    return [verdicts[experiment.id] for experiment in experiments]


def _corrected(
    family: Sequence[Experiment], found: Mapping[str, ComparisonLine]
) -> dict[str, VerdictLine]:
    """Experiment -> verdict, corrected over these."""
    size = max([len(family), *(experiment.test.family_size for experiment in family)])
    lines = [found.get(experiment.id) for experiment in family]
    support = holm([line.p_support if line else 1.0 for line in lines], size)
    refute = holm([line.p_refute if line else 1.0 for line in lines], size)
    return {
        experiment.id: _verdict(experiment, line, p, q, size)
        for experiment, line, p, q in zip(family, lines, support, refute, strict=True)
    }


def holm(p_values: Sequence[float], family_size: int = 0) -> list[float]:
    """Adjusted p values, in the order given: reject where one is at most alpha.

    family_size: tests in the family, when more than are given; the others count as not significant.
    Source: Holm 1979.
    """
    size = max(family_size, len(p_values))
    adjusted = [1.0] * len(p_values)
    reached = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        reached = max(reached, min(1.0, (size - rank) * p_values[index]))
        adjusted[index] = reached
    return adjusted


def sign_flip(
    differences: Sequence[float], shift: float, alternative: Literal["greater", "less"]
) -> float:
    """Give p of the paired sign-flip test that the mean difference is above (or below) `shift`.

    Exact up to 20 pairs: all 2^n signs; beyond that a million random ones from a fixed seed, the
    observed among them. Source: Fisher 1935; scipy.stats.permutation_test.
    """
    import numpy as np
    from scipy.stats import permutation_test

    shifted = np.asarray(differences, dtype=np.float64) - shift
    if len(shifted) == 1:  # scipy wants two; one pair has two signs
        sign = 1 if alternative == "greater" else -1
        return 0.5 if sign * np.round(shifted[0], 12) > 0 else 1.0
    found = permutation_test(
        (shifted,),
        # equal sums must tie in spite of float noise; no mean of fractions lies between two steps
        lambda sample, axis: np.round(np.mean(sample, axis=axis) / _STEP),
        permutation_type="samples",
        vectorized=True,
        n_resamples=2 ** min(len(shifted), MOST_EXACT_PAIRS),
        batch=1 << 14,
        alternative=alternative,
        rng=np.random.default_rng(_RANDOM_SEED),
    )
    return float(found.pvalue)


def interval(differences: Sequence[float]) -> tuple[float, float]:
    """95% bootstrap interval of the mean: BCa, or percentiles where BCa has no value.

    When all differences agree (or there is one) it is that single value. Source: Efron 1987;
    scipy.stats.bootstrap.
    """
    import warnings

    import numpy as np
    from scipy.stats import DegenerateDataWarning, bootstrap

    values = np.asarray(differences, dtype=np.float64)
    if np.ptp(values) == 0:
        return float(values[0]), float(values[0])
    for method in ("BCa", "percentile"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DegenerateDataWarning)
            found = bootstrap(
                (values,),
                np.mean,
                n_resamples=RESAMPLES,
                method=method,
                rng=np.random.default_rng(_RANDOM_SEED),
            ).confidence_interval
        if np.isfinite([found.low, found.high]).all():
            break
    return float(found.low), float(found.high)


@dataclass(frozen=True)
class _Value:
    value: float
    evidence: tuple[EvidenceLine, ...]


@dataclass(frozen=True)
class _Pair:
    seed: int
    treatment: _Value
    control: _Value


def _pairs(experiment: Experiment, measured: Measured) -> tuple[list[_Pair], list[int]]:
    pairs, missing = [], []
    for seed in experiment.seeds:
        treatment = _side(experiment.test.treatment, seed, measured)
        control = _side(experiment.test.control, seed, measured)
        if treatment is None or control is None:
            missing.append(seed)
        else:
            pairs.append(_Pair(seed, treatment, control))
    return pairs, missing


def _facts(
    experiment: Experiment, pairs: Sequence[_Pair], missing: Sequence[int]
) -> dict[str, object]:
    test = experiment.test
    differences = [pair.treatment.value - pair.control.value for pair in pairs]
    low, high = interval(differences)
    used = [pair.treatment for pair in pairs] + [pair.control for pair in pairs]
    return {
        "experiment": experiment.id,
        "hypothesis": experiment.hypothesis,
        "metric": test.metric,
        "treatment": test.treatment.label,
        "control": test.control.label,
        "seeds": tuple(pair.seed for pair in pairs),
        "pairs": len(pairs),
        "treatment_mean": _mean([pair.treatment.value for pair in pairs]),
        "control_mean": _mean([pair.control.value for pair in pairs]),
        "differences": tuple(differences),
        "effect": _mean(differences),
        "low": low,
        "high": high,
        "null_effect": test.null_effect,
        "predicted_effect": test.predicted_effect,
        "p_support": sign_flip(differences, test.null_effect, "greater"),
        "p_refute": sign_flip(differences, test.predicted_effect, "less"),
        "evidence": tuple(line.id for value in used for line in value.evidence),
        "missing_seeds": tuple(missing),
        "exact": len(pairs) <= MOST_EXACT_PAIRS,
    }


def _side(side: Side, seed: int, measured: Measured) -> _Value | None:
    """The best arm's value; None when any is missing, for the rest are not the plan's."""
    values = []
    for arm in side.arms:
        lines = measured.of(arm, seed, side.tasks, side.split)
        if not lines:
            return None
        values.append(_Value(_mean([line.value for line in lines]), tuple(lines)))
    return max(values, key=lambda value: value.value)


def _verdict(
    experiment: Experiment,
    line: ComparisonLine | None,
    p_support: float,
    p_refute: float,
    size: int,
) -> VerdictLine:
    ruling, reason = _ruling(experiment, line, p_support, p_refute, size)
    facts = {
        "hypothesis": experiment.hypothesis,
        "comparison": line.id if line else "",
        "ruling": ruling,
        "p_support_holm": p_support,
        "p_refute_holm": p_refute,
        "alpha": experiment.test.alpha,
        "family_size": size,
        "reason": reason,
    }
    return VerdictLine.model_validate(
        {"id": short_id({**facts, "experiment": experiment.id}), **facts}
    )


def _ruling(
    experiment: Experiment,
    line: ComparisonLine | None,
    p_support: float,
    p_refute: float,
    size: int,
) -> tuple[Ruling, str]:
    test = experiment.test
    if line is None:
        return "inconclusive", "No seed has both treatment and control, so nothing was tested."
    if line.pairs < seeds_needed(test.alpha, size, at_least=1):
        return "inconclusive", "Fewer pairs were measured than the test needs to reach its alpha."
    reaches = line.effect >= line.predicted_effect - 1e-12  # a mean of decimals is rarely exact
    after = "by itself" if test.gate else "after Holm"
    if p_support <= test.alpha and reaches and line.control_mean < test.least_control:
        return "inconclusive", "The control learned too little for a loss to be seen."
    if p_support <= test.alpha and reaches:
        return "supported", f"The test passes {after} and the mean effect reaches the prediction."
    if p_refute <= test.alpha:
        return "refuted", f"The effect is below the prediction, by a test that passes {after}."
    if p_support <= test.alpha:
        return "inconclusive", (
            "The effect is above the null, but its mean falls short of the prediction."
        )
    return "inconclusive", f"Neither test passes {after}."


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
