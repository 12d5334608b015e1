"""Runs jobs on this machine, a fixed number at a time."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from sandbox.backend import Backend
from sandbox.errors import HanjiError
from sandbox.job import Job
from sandbox.outcome import Outcome
from sandbox.paths import write_outcome


class LocalExecutor:
    """`slots` jobs at once, each watched by a thread.

    Use as a context manager; leaving it waits for nothing.
    """

    def __init__(self, backend: Backend, slots: int) -> None:
        self.backend = backend
        self.slots = slots
        self._cancelled, self._lock = threading.Event(), threading.Lock()
        self._pool = ThreadPoolExecutor(max(slots, 1), thread_name_prefix="job")

    def submit(self, job: Job) -> Future[Outcome]:
        """Queue a job; after `cancel` its future is cancelled from the start.

        The future raises only what is not the job's doing, such as SandboxUnavailable.
        """
        with self._lock:
            if not self._cancelled.is_set():
                return self._pool.submit(self._run, job)
        dropped: Future[Outcome] = Future()
        dropped.cancel()
        dropped.set_running_or_notify_cancel()
        return dropped

    def cancel(self) -> None:
        """Kill what runs (verdict `killed`, limit `cancelled`), cancel what waits or comes."""
        with self._lock:
            self._cancelled.set()
            self._pool.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """Cancel, wait until every job is dead, and end the warm processes."""
        self.cancel()
        self._pool.shutdown(wait=True)
        self.backend.close()

    def __enter__(self) -> LocalExecutor:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self, job: Job) -> Outcome:
        try:
            outcome = self.backend.run(job, self._cancelled)
        except HanjiError:
            raise
        # Broad, because this is the sandbox's edge: whatever goes wrong beside a job, be it a disk
        # that is full, descriptors that ran out or a fault of ours, ends this job alone. It is not
        # hidden: the outcome says what it was, and that it was not the job's doing.
        except Exception as error:  # noqa: BLE001
            outcome = _fault(job, error)
        job.folder.mkdir(parents=True, exist_ok=True)
        write_outcome(outcome, job.folder)
        return outcome


def _fault(job: Job, error: Exception) -> Outcome:
    """The harness itself stumbled: the job failed, and says that it was not its doing."""
    return Outcome(
        job=job.id,
        verdict="failed",
        limit="",
        reason=f"the sandbox itself failed: {type(error).__name__}: {error}",
        exit_code=-1,
        wall_s=0.0,
        cpu_s=0.0,
        memory_peak_bytes=0,
        isolation="none",
    )
