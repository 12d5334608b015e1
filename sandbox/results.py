"""From a dead job to its outcome."""

from __future__ import annotations

from dataclasses import replace

from sandbox.collect import collect
from sandbox.job import Job
from sandbox.outcome import Outcome


def with_outputs(outcome: Outcome, job: Job, work: int) -> Outcome:
    """The outcome, and what could be collected from the dead job's workspace."""
    outputs, rejected = collect(work, job.policy, job.folder)
    return replace(outcome, outputs=outputs, rejected=rejected)
