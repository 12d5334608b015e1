"""What joins a job with the harness: a channel for its start and end, and pipes for its output."""

from __future__ import annotations

import contextlib
import os
import socket
from contextlib import ExitStack
from dataclasses import dataclass

from sandbox.greeting import vouched_pair


@dataclass(frozen=True)
class Wires:
    """One side of them: the channel, and the descriptors of stdout and stderr."""

    channel: socket.socket
    stdout: int
    stderr: int

    def complaint(self) -> str:
        """What stderr holds by now, without waiting for more."""
        os.set_blocking(self.stderr, False)
        with contextlib.suppress(BlockingIOError):
            return os.read(self.stderr, 1 << 16).decode("utf-8", "replace").strip()
        return ""


def wire(
    ours: ExitStack, theirs: ExitStack, uid: int, kind: socket.SocketKind = socket.SOCK_STREAM
) -> tuple[Wires, Wires]:
    """Our side and the job's, each closed with its stack; `uid` is whom the job runs as."""
    channel, their_channel = vouched_pair(kind)
    ours.callback(channel.close)
    theirs.callback(their_channel.close)
    stdout, stdout_end = _pipe(ours, theirs, uid)
    stderr, stderr_end = _pipe(ours, theirs, uid)
    return Wires(channel, stdout, stderr), Wires(their_channel, stdout_end, stderr_end)


def _pipe(ours: ExitStack, theirs: ExitStack, uid: int) -> tuple[int, int]:
    reading, writing = os.pipe2(os.O_CLOEXEC)
    ours.callback(os.close, reading)
    theirs.callback(os.close, writing)
    if os.geteuid() == 0:  # so that the job may reopen /dev/stdout
        os.fchown(writing, uid, uid)
    return reading, writing
