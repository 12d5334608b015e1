"""Random resamples of paired differences, drawn apart from those that made a run's numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

DRAWS = 200_000
RESAMPLES = 9999
_BATCH = 20_000
_RANDOM_SEED = 1935
_SLACK = 0.02
"""Share of resamples by which two bootstraps of this size may place the same end: five errors."""


def sampled_sign_flip(differences: Sequence[float]) -> float:
    """The one-sided p of mean > 0 by random sign flips, the observed signs among them.

    Source: Fisher 1935; Phipson and Smyth 2010.
    """
    import numpy as np

    values = np.asarray(differences, dtype=np.float64)
    rng = np.random.default_rng(_RANDOM_SEED)
    least = values.sum() - 1e-9 * max(1e-3, float(np.abs(values).sum()))
    reached = 0
    for _ in range(DRAWS // _BATCH):
        signs = rng.integers(0, 2, size=(_BATCH, len(values))) * 2 - 1
        reached += int((signs @ values >= least).sum())
    return (reached + 1) / (DRAWS + 1)


def interval_ends(differences: Sequence[float]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Between which values each end of the 95% bootstrap interval of the mean must lie.

    Bias-corrected and accelerated, or percentiles where that has no value. Source: Efron 1987.
    """
    import numpy as np

    values = np.asarray(differences, dtype=np.float64)
    if len(values) < 2 or np.ptp(values) == 0:
        only = float(values[0])
        return (only, only), (only, only)
    rng = np.random.default_rng(_RANDOM_SEED)
    means = rng.choice(values, size=(RESAMPLES, len(values))).mean(axis=1)
    below = (float((means < values.mean()).mean()) + float((means <= values.mean()).mean())) / 2
    low, high = (_position(share, below, differences) for share in (0.025, 0.975))

    def around(at: float) -> tuple[float, float]:
        ends = np.quantile(means, [max(0.0, at - _SLACK), min(1.0, at + _SLACK)])
        return float(ends[0]), float(ends[1])

    return around(low), around(high)


def _position(share: float, below: float, differences: Sequence[float]) -> float:
    """Where in the sorted resamples this end of the interval stands, from 0 to 1."""
    normal = NormalDist()
    if not 0 < below < 1:
        return share
    bias, end = normal.inv_cdf(below), normal.inv_cdf(share)
    shift = bias + end
    return normal.cdf(bias + shift / (1 - _acceleration(differences) * shift))


def _acceleration(differences: Sequence[float]) -> float:
    """From the means that leave one difference out."""
    mean = sum(differences) / len(differences)
    off = [(value - mean) / (len(differences) - 1) for value in differences]
    return sum(o**3 for o in off) / (6 * math.pow(sum(o**2 for o in off), 1.5))
