"""The default backend: namespaces, a read-only view, seccomp, and a watcher outside."""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack

from sandbox import view
from sandbox.backend import Capabilities, backend
from sandbox.backends.zygote import ServerDied, Zygotes
from sandbox.canaries import WARM, try_out
from sandbox.enclosure import disk_of, enclose, job_uid, pin
from sandbox.inputs import bindings
from sandbox.job import Job
from sandbox.launcher import Launcher
from sandbox.outcome import Outcome
from sandbox.paths import INPUTS, WORK
from sandbox.results import with_outputs
from sandbox.scratch import scratch
from sandbox.seccomp import seccomp_program
from sandbox.starter import limits, starter
from sandbox.view import inputs_bound
from sandbox.watch import Started, watch

PER_PERSON = ("RLIMIT_NPROC",)  # outside, it would count everything the person runs
OWN_PROCESSES = 2  # bubblewrap's reaper and the starter


@backend("bubblewrap")
class Bubblewrap:
    """Contains files, network, processes, memory, time and disk of a job.

    Not contained: faults of the kernel itself, timing side channels, and some memory that the
    kernel holds on a job's behalf, which docs/sandbox.md names with its bounds.
    """

    name = "bubblewrap"

    def __init__(self, warm: bool = True) -> None:
        self._launcher = Launcher()
        self._zygotes = Zygotes(self._launcher) if warm else None
        self._probed: Capabilities | None = None
        self._lock = threading.Lock()

    def probe(self) -> Capabilities:
        """Run the canaries, once. Raises SandboxUnavailable."""
        with self._lock:
            if self._probed is None:
                enforced = try_out(self)
                why_not = self._zygotes.why_not(WARM) if self._zygotes else "warm starts are off"
                notes = (f"each job gets a sandbox of its own: {why_not}",) if why_not else ()
                self._probed = Capabilities(
                    self.name, self.name, all(enforced.values()), not why_not, enforced, notes
                )
            return self._probed

    def run(self, job: Job, cancelled: threading.Event) -> Outcome:
        """Run warm when the job is trusted and the kernel allows, else in a sandbox of its own."""
        job.folder.mkdir(parents=True, exist_ok=True)
        if self._zygotes and self._zygotes.fits(job):
            try:
                return self._zygotes.run(job, cancelled)
            except ServerDied:
                pass  # the warm process was killed under it; a fresh sandbox isolates no less
        return self._run_fresh(job, cancelled)

    def warm_processes(self) -> list[int]:
        """Pids, as the host sees them, of the first processes of the warm sandboxes."""
        return self._zygotes.processes() if self._zygotes else []

    def close(self) -> None:
        """End the warm processes, and whatever else still runs."""
        if self._zygotes:
            self._zygotes.close()
        self._launcher.close()

    def _run_fresh(self, job: Job, cancelled: threading.Event) -> Outcome:
        uid = job_uid()
        with ExitStack() as stack:
            stage = stack.enter_context(scratch("inputs", job.folder))
            bound = bindings(job.inputs, stage.resolve(), others=os.geteuid() == 0)
            enclosure = enclose(
                starter(inside(job.command)),
                launcher=self._launcher,
                uid=uid,
                binds=inputs_bound(bound),
                scratch_bytes=job.policy.disk_bytes,
                outer=limits(job.policy, OWN_PROCESSES, without=PER_PERSON),
                limits=limits(job.policy, OWN_PROCESSES),
                devices=view.gpus_bound(job.policy.gpus),
                seccomp=seccomp_program(),
            )
            stack.callback(enclosure.close)
            stack.callback(enclosure.kill)
            folders = [pin(enclosure.init, path) for path in view.SCRATCH]
            for folder in folders:
                stack.callback(os.close, folder)
            outcome = watch(
                Started(
                    init=enclosure.init,
                    wires=enclosure.wires,
                    disk=lambda: disk_of(folders),
                    kill=enclosure.kill,
                    in_memory=True,
                    own=OWN_PROCESSES,
                    work=folders[0],
                    isolation=self.name,
                ),
                job,
                cancelled,
            )
            return with_outputs(outcome, job, folders[0])


def inside(command: tuple[str, ...]) -> list[str]:
    """The command with its folders as the job sees them."""
    return [word.replace("{inputs}", INPUTS).replace("{work}", WORK) for word in command]
