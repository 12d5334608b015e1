"""From a dead job to its outcome."""

from __future__ import annotations

from sandbox.collect import collect
from sandbox.job import Job
from sandbox.outcome import Outcome
from sandbox.watch import Ending


def outcome_of(job: Job, ending: Ending, work: int, isolation: str) -> Outcome:
    """Collect from the dead job's workspace and say how it ended."""
    outputs, rejected = collect(work, job.policy, job.folder)
    return Outcome(
        job=job.id,
        verdict=ending.verdict,
        limit=ending.limit,
        reason=ending.reason,
        exit_code=ending.exit_code,
        wall_s=ending.wall_s,
        cpu_s=ending.cpu_s,
        memory_peak_bytes=ending.memory_peak_bytes,
        isolation=isolation,
        outputs=outputs,
        rejected=rejected,
        stdout_tail=ending.stdout_tail,
        stderr_tail=ending.stderr_tail,
    )
