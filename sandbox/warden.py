"""Parent of every bubblewrap of one harness: starts each, and ends all when the harness is gone.

`python -S -P -m sandbox.warden HARNESS`, a pidfd, with a socket to the harness as standard input.
Each message brings a program's words, in a file, and the descriptors that it shall have as 0, 1,
2 and so on; the answer brings its pid and a pidfd. What a dying bubblewrap leaves, such as a child
that waits for its word before anything ties it to its parent, becomes a child of this process.
Standard library only.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import socket
import sys
from pathlib import Path

from sandbox import kernel
from sandbox.guard import any_left, end_all, wakened_by_children

MOST_DESCRIPTORS = 64
ANSWER_BYTES = 256
AS_THE_SYSTEM_HAS_THEM = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
"""Python ignores some, and whoever started the harness (`nohup`, a shell) others."""


def main(harness: int) -> int:
    """Start what is asked for until the harness hangs up or dies, then kill all that is left."""
    os.set_inheritable(harness, False)
    control = socket.socket(fileno=os.dup(0))
    kernel.adopt_orphans()
    try:
        with contextlib.suppress(ConnectionError):  # it died, with something sent and not read
            _attend(control, harness)
    finally:
        end_all()
    return 0


def _attend(control: socket.socket, harness: int) -> None:
    """Start what is asked for, and wait for whoever ends, until the harness is gone."""
    woken = wakened_by_children()
    while True:
        ready, _, _ = select.select([harness, control.fileno(), woken], [], [])
        if harness in ready or (control.fileno() in ready and not _serve(control)):
            return
        if woken in ready:
            os.read(woken, 4096)
        any_left()


def _serve(control: socket.socket) -> bool:
    """Start one program and say so; False when the harness has hung up."""
    word, descriptors, _, _ = socket.recv_fds(control, 1, MOST_DESCRIPTORS)
    if not word:
        return False
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)
    with os.fdopen(descriptors.pop(0), "rb") as file:
        command: list[str] = json.load(file)
    answer, handles = _start(command, descriptors)
    socket.send_fds(control, [json.dumps(answer).encode()], handles)
    for handle in (*descriptors, *handles):
        os.close(handle)
    return True


def _start(command: list[str], descriptors: list[int]) -> tuple[dict[str, int], list[int]]:
    """The pid and a pidfd of the started program, or the error's number and nothing."""
    above = [fcntl.fcntl(one, fcntl.F_DUPFD_CLOEXEC, MOST_DESCRIPTORS) for one in descriptors]
    places = [(os.POSIX_SPAWN_DUP2, one, number) for number, one in enumerate(above)]
    try:
        pid = os.posix_spawn(
            command[0], command, {}, file_actions=places, setsigdef=AS_THE_SYSTEM_HAS_THEM
        )
    except OSError as error:
        return {"errno": error.errno or 0}, []
    finally:
        for one in above:
            os.close(one)
    return {"pid": pid}, [os.pidfd_open(pid)]


if __name__ == "__main__":
    Path("/proc/self/comm").write_text("hanji-warden", encoding="ascii")
    sys.exit(main(int(sys.argv[1])))
