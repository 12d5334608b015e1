"""Run one command under a policy and say how it ended: what `hanji sandbox exec` does."""

from __future__ import annotations

import threading
from pathlib import Path

from sandbox.backend import Backend
from sandbox.errors import BadInput
from sandbox.job import Job
from sandbox.outcome import Outcome
from sandbox.policy import Policy
from sandbox.scratch import scratch


def execute(
    command: list[str],
    policy: Policy,
    backend: Backend,
    folder: Path | None = None,
    cancelled: threading.Event | None = None,
) -> Outcome:
    """Run `command` in an empty workspace.

    Its logs and outputs stay in `folder`, or nowhere when there is none.

    Raises BadInput without a command and SandboxUnavailable when this machine cannot confine.
    """
    if not command:
        raise BadInput("there is no command to run", "write it after --")
    stop = cancelled if cancelled is not None else threading.Event()
    with scratch("exec") as temporary:
        job = Job("exec", tuple(command), folder or temporary, policy=policy)
        return backend.run(job, stop)
