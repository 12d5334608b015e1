"""What the kernel may hold for a job outside of its pages: with its files and sockets."""

from __future__ import annotations

import os
from pathlib import Path

FILE_BYTES = 12 << 10  # an open file: most is a pipe, with the two pages that any pipe gets
SOCKET_BYTES = 8 << 10  # besides what waits in it
SEND_BUFFER = Path("/proc/sys/net/core/wmem_default")  # no job may ask for another


def open_files_bytes(pid: int) -> int:
    """What the open files of a process may hold; a file counts in each process that has it."""
    folder = f"/proc/{pid}/fd"
    try:
        count = os.stat(folder).st_size or len(os.listdir(folder))  # noqa: PTH116, PTH208
    except OSError:  # it ended while we looked
        return 0
    return count * FILE_BYTES


class Sockets:
    """All sockets of a network namespace, those that no process has open any more among them."""

    def __init__(self, pid: int) -> None:
        """Of the namespace of `pid`; none are counted when that is our own."""
        self._told = Path(f"/proc/{pid}/net/sockstat")
        self._own = _network(pid) != _network(os.getpid())
        self._each_bytes = SOCKET_BYTES + 2 * int(SEND_BUFFER.read_text(encoding="ascii"))

    def bytes(self) -> int:
        """What they may hold: each may send one more message when its buffer is almost full."""
        if not self._own:
            return 0
        try:
            words = self._told.read_text(encoding="ascii").split(maxsplit=3)
        except OSError:  # it ended while we looked
            return 0
        return int(words[2]) * self._each_bytes  # sockets: used N


def _network(pid: int) -> str:
    """Which network namespace it is in; empty when it has ended."""
    try:
        return os.readlink(f"/proc/{pid}/ns/net")  # noqa: PTH115
    except (FileNotFoundError, ProcessLookupError):
        return ""
