"""Follow one started job from outside, end it at its first limit, and say which."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from sandbox.collect import longest_file
from sandbox.errors import SandboxError
from sandbox.hidden_memory import HiddenMemory
from sandbox.job import Job
from sandbox.logs import BoundedLog
from sandbox.outcome import Limit, Outcome, Verdict
from sandbox.paths import JobPaths
from sandbox.policy import Policy
from sandbox.process_tree import Meter, Usage
from sandbox.wires import Wires

POLL_S = 0.05
DEEP_S = 0.4
PAUSES = 40  # times what the last look cost
FLOOD = 8  # this many times log_bytes is a flood
SIGNALLED = 128
LIMIT_OF_SIGNAL: dict[int, Limit] = {signal.SIGXCPU: "cpu", signal.SIGXFSZ: "file"}


@dataclass(frozen=True)
class Disk:
    """What the writable folders of a job hold."""

    bytes: int = 0
    inodes: int = 0


@dataclass(frozen=True)
class Started:
    """A job that waits for the word to begin.

    init: pid (as the harness sees it) whose tree is the job. wires: our side; the starter at the
    channel's other end answers `g` with the run and then `x CODE`. disk: what the workspace holds
    now. in_memory: the workspace counts as memory. own: processes of the sandbox itself in that
    tree. work: descriptor of the workspace. isolation: see Outcome. kill: ends every process and
    returns when all are dead.
    """

    init: int
    wires: Wires
    disk: Callable[[], Disk]
    kill: Callable[[], None]
    in_memory: bool
    own: int
    work: int
    isolation: str


def watch(started: Started, job: Job, cancelled: threading.Event) -> Outcome:
    """Let the job begin and stay with it until every process of it is dead.

    The outcome has no outputs yet; `sandbox.results` adds them.
    """
    with ExitStack() as stack:
        watching = _Watch(started, job)
        for log in watching.logs.values():
            stack.callback(log.release)
        return watching.follow(cancelled)


class _Watch:
    def __init__(self, started: Started, job: Job) -> None:
        paths = JobPaths(job.folder)
        self.started, self.job, self.terms, self.policy = started, job.id, job.terms, job.policy
        self.logs = {
            started.wires.stdout: BoundedLog(paths.stdout, job.policy.log_bytes),
            started.wires.stderr: BoundedLog(paths.stderr, job.policy.log_bytes),
        }
        most = job.policy.processes + started.own
        self.meter = Meter(started.init, job.policy.memory_bytes * 8 // 10, most)
        self.hidden = HiddenMemory(started.init)
        self.spent, self.disk, self.disk_due = Usage(), Disk(), 0.0
        self.memory_peak_bytes, self.exit_code, self.said = 0, -1, b""
        self.began = time.monotonic()
        self.deep_due = self.began + DEEP_S

    def follow(self, cancelled: threading.Event) -> Outcome:
        limit: Limit = ""
        over = False
        with selectors.DefaultSelector() as ready:
            for descriptor in self.logs:
                os.set_blocking(descriptor, False)
                ready.register(descriptor, selectors.EVENT_READ)
            ready.register(self.started.wires.channel, selectors.EVENT_READ)
            self._begin()
            measured = self.began
            try:
                while not over and not limit:
                    over = self._hear(ready, min(POLL_S, self._wall_left_s()))
                    if over or time.monotonic() - measured >= POLL_S or self._wall_left_s() <= 0:
                        measured = time.monotonic()
                        limit = self._exceeded(cancelled, over)
            finally:
                wall_s = time.monotonic() - self.began
                self.started.kill()
                self._drain()
        return self._ending(limit, wall_s)

    def _begin(self) -> None:
        self.meter.begin()
        self.began = time.monotonic()
        try:
            self.started.wires.channel.sendall(b"g\n")
        except OSError as error:
            raise SandboxError("the sandbox ended before its job began", "try again") from error

    def _hear(self, ready: selectors.BaseSelector, wait_s: float) -> bool:
        """Move what the job wrote into its logs.

        True when its command ended or its starter is gone.
        """
        for key, _ in ready.select(max(wait_s, 0.0)):
            if isinstance(key.fileobj, int):
                if not self._pump(key.fileobj):
                    ready.unregister(key.fileobj)
                continue
            heard = self._told()
            self.said = (self.said + heard)[:64]
            if not heard:
                return True
            if self.said.endswith(b"\n"):
                self.exit_code = _exit_code(self.said)
                return True
        return False

    def _told(self) -> bytes:
        """What the starter says; empty when it is gone, be it without having read our word."""
        with contextlib.suppress(ConnectionError):
            return self.started.wires.channel.recv(64)
        return b""

    def _pump(self, descriptor: int) -> bool:
        """One read into the log; False at the end of the stream."""
        try:
            chunk = os.read(descriptor, 1 << 16)
        except BlockingIOError:
            return True
        self.logs[descriptor].take(chunk)
        return bool(chunk)

    def _drain(self) -> None:
        """What was still in the pipes when the writers died, a bounded amount."""
        for descriptor, log in self.logs.items():
            for _ in range(64):
                try:
                    chunk = os.read(descriptor, 1 << 16)
                except BlockingIOError:
                    break
                if not chunk:
                    break
                log.take(chunk)

    def _wall_left_s(self) -> float:
        return self.policy.wall_s - (time.monotonic() - self.began)

    def _exceeded(self, cancelled: threading.Event, over: bool) -> Limit:
        """Measure, and name the first limit that the job is over (`disk`: at)."""
        policy = self.policy
        self.spent = now = self.meter.read()
        if self._crowded() and not over:  # at once: each moment it would make more
            return "cancelled" if cancelled.is_set() else "processes"
        self._look_at_disk(over)
        memory = self._memory(now)
        self.memory_peak_bytes = max(self.memory_peak_bytes, memory)
        if over:
            return ""
        tests: tuple[tuple[Limit, bool], ...] = (
            ("cancelled", cancelled.is_set()),
            ("memory", memory > policy.memory_bytes),
            ("inodes", self.disk.inodes > policy.inodes),
            ("disk", self.disk.bytes >= policy.disk_bytes),
            ("log", any(log.seen_bytes > FLOOD * policy.log_bytes for log in self.logs.values())),
            ("cpu", self.spent.cpu_s > policy.cpu_s),
            ("wall", self._wall_left_s() <= 0),
        )
        return next((limit for limit, hit in tests if hit), "")

    def _crowded(self) -> bool:
        return self.spent.processes - self.started.own > self.policy.processes

    def _look_at_disk(self, over: bool) -> None:
        """Measure, but spend no more than a small share of the time on a large workspace."""
        now = time.monotonic()
        if over or now >= self.disk_due:
            self.disk = self.started.disk()
            self.disk_due = now + PAUSES * (time.monotonic() - now)

    def _memory(self, now: Usage) -> int:
        """What the meter sees or, looked for now and then, what it does not."""
        held = now.memory_bytes
        if time.monotonic() >= self.deep_due:
            began_s = time.thread_time()
            held = max(held, self.hidden.bytes(self.policy.memory_bytes))
            cost_s = time.thread_time() - began_s
            self.deep_due = time.monotonic() + max(DEEP_S, PAUSES * cost_s)
        return held + (self.disk.bytes if self.started.in_memory else 0)

    def _ending(self, limit: Limit, wall_s: float) -> Outcome:
        tails = [log.close() for log in self.logs.values()]
        verdict: Verdict = "killed" if limit else "ok" if self.exit_code == 0 else "failed"
        if verdict == "failed":
            limit = self._blamed()
            verdict = "killed" if limit and self.exit_code > SIGNALLED else "failed"
        elif verdict == "ok" and (limit := self._overfull()):
            verdict = "failed"
        return Outcome(
            job=self.job,
            verdict=verdict,
            limit=limit,
            reason=_reason(verdict, limit, self.exit_code, self.policy),
            exit_code=self.exit_code,
            wall_s=wall_s,
            cpu_s=self.spent.cpu_s,
            memory_peak_bytes=self.memory_peak_bytes,
            isolation=self.started.isolation,
            stdout_tail=tails[0],
            stderr_tail=tails[1],
            terms=self.terms,
        )

    def _overfull(self) -> Limit:
        """The limit that a workspace without a cap of its own passed between two looks."""
        if self.started.in_memory:
            return ""
        if self.disk.bytes > self.policy.disk_bytes:
            return "disk"
        return "inodes" if self.disk.inodes > self.policy.inodes else ""

    def _blamed(self) -> Limit:
        """The limit that explains a failure which the job itself reported, if one does."""
        if self.exit_code > SIGNALLED and self.exit_code - SIGNALLED in LIMIT_OF_SIGNAL:
            return LIMIT_OF_SIGNAL[self.exit_code - SIGNALLED]
        if self.disk.bytes >= self.policy.disk_bytes:
            return "disk"
        if self.disk.inodes >= self.policy.inodes:
            return "inodes"
        if longest_file(self.started.work) >= self.policy.file_bytes:
            return "file"
        return "processes" if self._crowded() else ""


def _exit_code(said: bytes) -> int:
    """The code in `x CODE`; -1 when the starter said something else."""
    word, _, code = said.strip().partition(b" ")
    return int(code) if word == b"x" and code.isdigit() and len(code) < 4 else -1


def _reason(verdict: Verdict, limit: Limit, exit_code: int, policy: Policy) -> str:
    allowed = {
        "wall": f"{policy.wall_s:g} s of wall time",
        "cpu": f"{policy.cpu_s:g} s of CPU time",
        "memory": f"{policy.memory_bytes} bytes of memory",
        "disk": f"{policy.disk_bytes} bytes of workspace",
        "inodes": f"{policy.inodes} files",
        "processes": f"{policy.processes} processes",
        "log": f"{policy.log_bytes} bytes of log",
        "file": f"{policy.file_bytes} bytes in one file",
    }
    if limit == "cancelled":
        return "it was cancelled"
    if limit:
        did = "was killed" if verdict == "killed" else f"ended with exit code {exit_code}"
        return f"it {did} at its limit of {allowed[limit]}"
    if verdict == "failed":
        return (
            f"its command ended with exit code {exit_code}"
            if exit_code >= 0
            else "it was ended from within"
        )
    return "it ended by itself"
