"""What a person sees while a run works."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from agent.budget import Spend

Watch = Callable[["Event"], None]
FIRST = "survey"
"""The stage that a run begins with."""


@dataclass(frozen=True)
class Event:
    """One moment of a run.

    best: held-out accuracy on the primary task so far, below zero when there is none.
    """

    stage: str
    text: str = ""
    hypothesis: str = ""
    trials_done: int = 0
    trials_running: int = 0
    trials_total: int = 0
    best: float = -1.0
    spent: Spend = field(default_factory=Spend)
    left_s: float = 0.0


def unwatched(event: Event) -> None:
    """A watch that shows nothing."""
