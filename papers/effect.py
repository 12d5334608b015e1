"""How the means and the effects of a metric are printed, and in which unit."""

from __future__ import annotations

from collections.abc import Iterable

SPEEDUP = "speedup"
"""How the names of metrics begin that set a speed against a baseline's."""
_UNITS = {
    "accuracy": ("in percentage points (pp)", "in percentage points (pp) for accuracies"),
    SPEEDUP: (
        "in times the speed of the baseline",
        "in times the speed of the baseline for speed-ups",
    ),
    "": ("in the unit of what is compared", "in its own unit for what else is compared"),
}
"""Kind of metric -> the unit of its effects: where they are alone, and beside others."""


def form_of(metric: str) -> str:
    """How a difference of that metric is printed: points for accuracies, else plain."""
    return {"accuracy": "pp", SPEEDUP: ".2f"}.get(_kind(metric), ".3f")


def mean_form_of(metric: str) -> str:
    """How a mean of that metric is printed."""
    return ".2f" if _kind(metric) == SPEEDUP else ".3f"


def unit_after(metric: str) -> str:
    """What stands after a difference of that metric; empty where its form says it."""
    return " times the speed of the baseline" if _kind(metric) == SPEEDUP else ""


def axis_of(metric: str) -> str:
    """Effects of metrics with the same answer can stand on one axis."""
    return _kind(metric) or metric


def units_of(metrics: Iterable[str]) -> str:
    """The units of the effects of these metrics, within a sentence."""
    given = {_kind(metric) for metric in metrics}
    kinds = [kind for kind in _UNITS if kind in given]
    return ", ".join(_UNITS[kind][len(kinds) > 1] for kind in kinds)


def _kind(metric: str) -> str:
    if metric.startswith(SPEEDUP):
        return SPEEDUP
    return metric if metric in _UNITS else ""
