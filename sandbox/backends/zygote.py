"""Warm starts for trusted jobs: libraries imported once, one fork in new namespaces per job."""

from __future__ import annotations

import json
import os
import selectors
import socket
import sys
import threading
from contextlib import ExitStack

from sandbox import view
from sandbox.enclosure import Enclosure, disk_of, enclose, job_uid, kill_and_wait, pin
from sandbox.errors import SandboxError
from sandbox.greeting import READY, first_words
from sandbox.inputs import InputFile, input_files
from sandbox.job import Job
from sandbox.launcher import Launcher
from sandbox.outcome import Outcome
from sandbox.paths import INPUTS, WORK
from sandbox.policy import Policy
from sandbox.results import with_outputs
from sandbox.seccomp import seccomp_program
from sandbox.starter import limit_values
from sandbox.watch import Started, watch
from sandbox.wires import Wires, wire
from sandbox.zygote_server import MESSAGE_BYTES, MOST_DESCRIPTORS

OWN_PROCESSES = 1  # the cell's first process
PRELOAD_S = 120.0
CELL_S = 60.0
FAREWELL_S = 2.0  # what was killed closes its channel a little before it is gone
MOST_INPUT_BYTES = 64 << 20
SCRATCH_BYTES = 64 << 20
SLACK_INODES = 16


class ServerDied(SandboxError):
    """The warm process ended while a job was in it."""


class Zygotes:
    """The warm processes of a backend, one per function, started when wanted and when they die."""

    def __init__(self, launcher: Launcher) -> None:
        self._launcher = launcher
        self._lock = threading.Lock()
        self._servers: dict[str, _Server] = {}
        self._refused: dict[str, str] = {}

    def fits(self, job: Job) -> bool:
        """Trusted, with a warm function, few and small inputs, on a kernel that allows cells.

        Never with a GPU: what CUDA began does not survive a fork.
        """
        trusted = job.policy.trust == "builtin" and not job.policy.gpus
        if not trusted or not job.warm or job.warm in self._refused:
            return False
        files = input_files(job.inputs)
        few = len(files) <= MOST_DESCRIPTORS - 3
        return few and sum(file.bytes for file in files) <= MOST_INPUT_BYTES

    def run(self, job: Job, cancelled: threading.Event) -> Outcome:
        """Run in a cell. Raises ServerDied when the warm process ended under the job."""
        with self._lock:
            server = self._servers.get(job.warm)
            if server is not None and server.dead():
                server.close()
                server = None
            if server is None:
                server = self._servers[job.warm] = _Server(job.warm, self._launcher)
        refused = server.ready()
        if refused:
            self._refused[job.warm] = refused
            raise ServerDied(refused)
        return server.run(job, cancelled)

    def why_not(self, function: str) -> str:
        """Why jobs of `function` were not started warm; empty when they were or were not tried."""
        return self._refused.get(function, "")

    def processes(self) -> list[int]:
        """Pids of the living ones."""
        with self._lock:
            living = [server.init for server in self._servers.values() if not server.dead()]
        return [init for init in living if init]

    def close(self) -> None:
        """Kill every warm process and what still runs in it."""
        with self._lock:
            for server in self._servers.values():
                server.close()
            self._servers.clear()


class _Server:
    """One warm process, which a thread of its own starts, listens to and waits for."""

    def __init__(self, function: str, launcher: Launcher) -> None:
        self._function, self._uid, self._launcher = function, job_uid(), launcher
        self._enclosure: Enclosure | None = None
        self._up, self._ended = threading.Event(), threading.Event()
        self._sending = threading.Lock()
        self._refused: str | None = None
        self._keeper = threading.Thread(target=self._keep, name=f"warm {function}", daemon=True)
        self._keeper.start()

    def ready(self) -> str:
        """Wait for the imports; returns why cells are refused, empty when they are not."""
        self._up.wait()
        return self._refused or ""

    @property
    def init(self) -> int:
        """Pid of its sandbox's first process; 0 before it is up."""
        enclosure = self._enclosure
        return enclosure.init if enclosure is not None else 0

    def dead(self, wait_s: float = 0.0) -> bool:
        """It was up once and is not any more, or ends within `wait_s`."""
        return self._up.is_set() and self._ended.wait(wait_s)

    def close(self) -> None:
        """Kill it, with every cell in it, and give its descriptors back."""
        self._up.wait()
        if self._enclosure is not None:
            self._enclosure.kill()
            self._keeper.join()
            self._enclosure.close()
            self._enclosure = None

    def _keep(self) -> None:
        try:
            self._enclosure = self._start()
            self._refused = self._greet(self._enclosure)
        except SandboxError as error:  # a sandbox of its own may still work, and says so if not
            self._refused = error.what
        except OSError as error:
            self._refused = f"the warm process did not start: {error}"
        finally:
            self._up.set()
        if self._enclosure is not None:
            self._listen(self._enclosure)
            self._enclosure.process.wait()
        self._ended.set()

    def _start(self) -> Enclosure:
        return enclose(
            [sys.executable, "-P", "-m", "sandbox.zygote_server"],
            launcher=self._launcher,
            uid=self._uid,
            binds=(),
            scratch_bytes=SCRATCH_BYTES,
            limits=["prlimit", "--core=0", "--"],
            nests=True,
            messages=True,
        )

    def _greet(self, enclosure: Enclosure) -> str:
        """Name the function to import; returns the server's refusal, if any."""
        channel = enclosure.wires.channel
        channel.settimeout(PRELOAD_S)
        channel.send(json.dumps({"function": self._function}).encode())
        answer = channel.recv(MESSAGE_BYTES)
        channel.settimeout(None)
        if not answer:
            said = enclosure.wires.complaint()[-600:]
            raise ServerDied(f"the warm process ended while it imported: {said}")
        return str(json.loads(answer)["refused"])

    def _listen(self, enclosure: Enclosure) -> None:
        """Read what the process prints, so that it never blocks, until its end."""
        with selectors.DefaultSelector() as ready:
            for stream in (enclosure.wires.stdout, enclosure.wires.stderr):
                ready.register(stream, selectors.EVENT_READ)
            while ready.get_map():
                for key, _ in ready.select():
                    if not os.read(key.fd, 1 << 16):
                        ready.unregister(key.fd)

    def run(self, job: Job, cancelled: threading.Event) -> Outcome:
        """Run in a cell. Raises ServerDied when this process ended under the job."""
        try:
            return self._run(job, cancelled)
        except (OSError, SandboxError) as error:
            if self.dead(FAREWELL_S):
                raise ServerDied(f"the warm process was killed: {error}") from error
            raise

    def _run(self, job: Job, cancelled: threading.Event) -> Outcome:
        enclosure = self._enclosure
        if enclosure is None:
            raise ServerDied("the warm process is not there")
        with ExitStack() as stack:
            wires = self._request(enclosure, job, stack)
            init = _first_process(wires.channel)
            pidfd = os.pidfd_open(init)
            stack.callback(os.close, pidfd)
            stack.callback(kill_and_wait, pidfd)
            folders = [pin(init, path) for path in view.SCRATCH]
            for folder in folders:
                stack.callback(os.close, folder)
            outcome = watch(
                Started(
                    init=init,
                    wires=wires,
                    disk=lambda: disk_of(folders),
                    kill=lambda: kill_and_wait(pidfd),
                    in_memory=True,
                    own=OWN_PROCESSES,
                    work=folders[0],
                    isolation="bubblewrap",
                ),
                job,
                cancelled,
            )
            silent = outcome.verdict == "failed" and outcome.exit_code < 0
            if silent and self.dead(FAREWELL_S):
                raise ServerDied("the warm process was killed")
            return with_outputs(outcome, job, folders[0])

    def _request(self, enclosure: Enclosure, job: Job, stack: ExitStack) -> Wires:
        """Send the job with its descriptors; returns our side of its wires."""
        files = input_files(job.inputs)
        with ExitStack() as theirs:
            wires, ends = wire(stack, theirs, self._uid)
            opened = [theirs.enter_context(file.path.open("rb")).fileno() for file in files]
            message = json.dumps(_request_of(job, files)).encode()
            sent = [ends.channel.fileno(), ends.stdout, ends.stderr, *opened]
            with self._sending:
                socket.send_fds(enclosure.wires.channel, [message], sent)
        return wires


def _request_of(job: Job, files: list[InputFile]) -> dict[str, object]:
    """What the server needs to know, and nothing that the job may not."""
    policy: Policy = job.policy
    sizes = sum(file.bytes + 4096 for file in files) + (1 << 20)
    scratch = f"size={policy.disk_bytes},nr_inodes={policy.inodes + SLACK_INODES},mode=0700"
    folders = {path: scratch for path in view.SCRATCH}
    folders[INPUTS] = f"size={sizes},mode=0700"
    return {
        "folders": folders,
        "files": [file.name for file in files],
        "inputs": INPUTS,
        "work": WORK,
        "limits": limit_values(policy, OWN_PROCESSES),
        "seccomp": seccomp_program().hex(),
    }


def _first_process(channel: socket.socket) -> int:
    """The host's pid of the cell's first process."""
    words = first_words(channel, CELL_S)
    if words.said != READY:
        raise ServerDied(f"no cell was made: {words.said.decode(errors='replace') or 'no answer'}")
    return words.pid
