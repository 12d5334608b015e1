"""What experiments are conducted with: executor, ledger, folder, who watches, who pays."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from sandbox.job import Job
from sandbox.ledger import Ledger
from sandbox.outcome import Outcome
from tools.roster import Planned


class Executor(Protocol):
    """Runs jobs in a sandbox, `slots` at a time."""

    slots: int

    def submit(self, job: Job) -> Future[Outcome]:
        """Start the job as soon as a slot is free."""
        ...

    def cancel(self) -> None:
        """Kill what runs and drop what waits; their futures end as cancelled."""
        ...


@dataclass(frozen=True)
class TrialEvent:
    """Something happened to a trial.

    reused: its outcome was on disk from before a crash. cached: an earlier run trained the same
    model. Every `started` is followed by one `finished` or `failed`, unless the round is stopped.
    accuracy: on the primary task's test split, below zero when the trial has none. experiments: ids
    of those that need the trial.
    """

    what: Literal["started", "finished", "failed", "reused", "cached", "not run"]
    trial: str
    arm: str
    label: str
    seed: int
    done: int
    running: int
    total: int
    cpu_s: float = 0.0
    accuracy: float = -1.0
    experiments: tuple[str, ...] = ()


def unwatched(event: TrialEvent) -> None:
    """A watch that looks away."""


def unlimited(planned: Planned, cpu_s: float) -> bool:
    """A reserve that always agrees."""
    return True


@dataclass(frozen=True)
class Workshop:
    """folder: the run's. cache: where trained models are kept between runs, None for nowhere.

    stop: once set, nothing new starts and what runs is cancelled; conducting again goes on from
    there. reserve: asked before every job with its estimated CPU seconds; False means that the
    budget is spent. scale: how many times dearer than the built-in miniature the subject's models
    are, for limits and first estimates.
    """

    executor: Executor
    ledger: Ledger
    folder: Path
    cache: Path | None = None
    watch: Callable[[TrialEvent], None] = unwatched
    stop: threading.Event = field(default_factory=threading.Event)
    reserve: Callable[[Planned, float], bool] = unlimited
    scale: float = 1.0
