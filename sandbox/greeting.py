"""The first words of a started process, with its pid and uid as the kernel vouches for them."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

from sandbox.errors import SandboxUnavailable

READY = b"r\n"
WORDS_BYTES = 256
_CREDENTIALS = struct.Struct("3i")


@dataclass(frozen=True)
class Words:
    """What was said, by which process of the host; empty when nobody spoke."""

    said: bytes = b""
    pid: int = 0


def vouched_pair(kind: socket.SocketKind) -> tuple[socket.socket, socket.socket]:
    """Our end, on which the kernel names the sender, and theirs."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    return ours, theirs


def first_words(channel: socket.socket, wait_s: float) -> Words:
    """Wait for them.

    Raises SandboxUnavailable when the speaker is root outside, TimeoutError when none speaks.

    The speaker is the process that becomes the job or forks it, so its uid is the job's.
    """
    channel.settimeout(wait_s)
    try:
        said, ancillary, _, _ = channel.recvmsg(WORDS_BYTES, socket.CMSG_SPACE(_CREDENTIALS.size))
    except ConnectionError:
        return Words()
    channel.settimeout(None)
    for level, kind, data in ancillary:
        if said and level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
            pid, uid, gid = _CREDENTIALS.unpack(data)
            if uid == 0 or gid == 0:
                raise SandboxUnavailable(
                    "the job would run as root", "run Hanji as an ordinary user, or as real root"
                )
            return Words(said, pid)
    return Words()
