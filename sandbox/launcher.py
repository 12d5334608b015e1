"""Starts programs of which nothing outlives the harness: a warden is their parent."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.warden import ANSWER_BYTES

DEATH_S = 20.0
PAUSE_S = 0.001


@dataclass(frozen=True)
class Child:
    """A started program. pidfd: ours to close."""

    pid: int
    pidfd: int

    def wait(self, wait_s: float | None = None) -> bool:
        """Until it is dead and gone from the process table; False if not dead within `wait_s`."""
        ends = select.poll()
        ends.register(self.pidfd, select.POLLIN)
        if not ends.poll(None if wait_s is None else wait_s * 1000):
            return False
        await_reaped(self.pidfd)
        return True

    def kill(self) -> None:
        """Kill it alone."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)


def await_reaped(pidfd: int) -> None:
    """Until a process that is dead is gone from the process table."""
    with contextlib.suppress(ProcessLookupError):
        while True:
            signal.pidfd_send_signal(pidfd, 0)
            time.sleep(PAUSE_S)


class Launcher:
    """One warden, started when it is first wanted. For several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._warden: _Warden | None = None

    def launch(self, command: Sequence[str], descriptors: Sequence[int]) -> Child:
        """Start a program in `/` with an empty environment.

        command: the first word is its path. descriptors: what it has as 0, 1, 2 and so on. Raises
        OSError where the system does not start it, and SandboxError.
        """
        with self._lock:
            if self._warden is not None and self._warden.dead():
                self._warden.end()
                self._warden = None
            if self._warden is None:
                self._warden = _Warden()
            return self._warden.start(command, descriptors)

    def close(self) -> None:
        """Kill whatever still runs of what was started."""
        with self._lock:
            if self._warden is not None:
                self._warden.end()
                self._warden = None


class _Warden:
    """The started process, which ends when this object, or this program, does."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ExitStack() as undone, theirs:
            undone.callback(ours.close)
            self._process = _spawn(theirs)
            undone.pop_all()
        self._control = ours
        self.end = weakref.finalize(self, _end, self._process, ours)

    def dead(self) -> bool:
        """Somebody killed it, and with it what it had started."""
        return self._process.poll() is not None

    def start(self, command: Sequence[str], descriptors: Sequence[int]) -> Child:
        told = os.memfd_create("hanji", os.MFD_CLOEXEC)
        try:
            os.write(told, json.dumps(list(command)).encode())
            os.lseek(told, 0, os.SEEK_SET)
            socket.send_fds(self._control, [b"s"], [told, *descriptors])
            answer, handles, _, _ = socket.recv_fds(self._control, ANSWER_BYTES, 1)
        except ConnectionError:
            answer, handles = b"", []
        finally:
            os.close(told)
        if not answer:
            raise SandboxError("the parent of all sandboxes was killed", "run it again")
        said: dict[str, int] = json.loads(answer)
        if not handles:
            raise OSError(said["errno"], os.strerror(said["errno"]), command[0])
        os.set_inheritable(handles[0], False)
        return Child(said["pid"], handles[0])


def _spawn(control: socket.socket) -> subprocess.Popen[bytes]:
    home = str(Path(__file__).parent.parent)
    harness = os.pidfd_open(os.getpid())
    try:
        return subprocess.Popen(
            [sys.executable, "-S", "-P", "-m", "sandbox.warden", str(harness)],
            env={"PYTHONPATH": home, "PYTHONDONTWRITEBYTECODE": "1"},
            cwd="/",
            stdin=control.fileno(),
            stdout=subprocess.DEVNULL,
            pass_fds=(harness,),
            start_new_session=True,
        )
    finally:
        os.close(harness)


def _end(process: subprocess.Popen[bytes], control: socket.socket) -> None:
    """Hang up, upon which it kills all and ends."""
    control.close()
    try:
        process.wait(DEATH_S)
    except subprocess.TimeoutExpired:
        raise SandboxError(
            f"what ran in sandboxes did not die within {DEATH_S:g} s of SIGKILL",
            "the kernel holds it; look at `dmesg`",
        ) from None
