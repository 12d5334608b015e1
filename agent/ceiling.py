"""Comparisons in which both sides answer nearly everything: the task cannot rank them."""

from __future__ import annotations

from sandbox.records import ComparisonLine

SCORES = ("accuracy",)
"""Metrics whose best value is one."""
ROOM = 0.02


def at_ceiling(found: ComparisonLine) -> bool:
    """Whether both means are within two points of the best possible score."""
    lower = min(found.treatment_mean, found.control_mean)
    return found.metric in SCORES and lower >= 1 - ROOM
