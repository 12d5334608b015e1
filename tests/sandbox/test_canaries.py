"""The canaries tell a confined machine from one that is not, and never pass untried."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from pathlib import Path

from sandbox.backend import Backend, Capabilities
from sandbox.canaries import _dies_whole
from sandbox.canary import PIDS, _processes_are_hidden
from sandbox.job import Job
from sandbox.outcome import Outcome


def test_processes_are_not_hidden_from_one_that_shares_the_namespace_of_the_harness() -> None:
    assert not _processes_are_hidden(str(PIDS.readlink()))


@dataclass
class Without:
    """A real backend on a machine that lacks a program."""

    real: Backend
    program: str
    name: str = "without"

    def probe(self) -> Capabilities:
        return self.real.probe()

    def run(self, job: Job, cancelled: threading.Event) -> Outcome:
        gone = tuple("no-such-program" if w == self.program else w for w in job.command)
        return self.real.run(replace(job, command=gone), cancelled)

    def close(self) -> None:
        self.real.close()


def test_a_daemon_that_never_started_does_not_prove_that_daemons_die(
    bubblewrap: Backend, tmp_path: Path
) -> None:
    assert _dies_whole(bubblewrap, tmp_path / "with")
    assert not _dies_whole(Without(bubblewrap, "python"), tmp_path / "without")
