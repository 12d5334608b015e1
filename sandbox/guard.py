"""First process of a job without a process namespace: confines it, adopts its orphans, ends it.

`python -S -P -m sandbox.guard CONTROL REQUEST`, two descriptors. At a byte from the first every
process of the job is killed, and 0 is this program's exit code only when all are dead; at its end,
which is that of the harness, the job's folders go too. The second holds the job as JSON. The guard
itself is not confined and runs nothing of the job's. Standard library only.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import sys
import time
import traceback
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

from sandbox import kernel
from sandbox.landlock import restrict
from sandbox.process_tree import tree

REFUSED = 125
REMOVE = ("/bin/sh", "-c", 'chmod -R u+rwx "$1"; exec rm -rf -- "$1"', "hanji")
PAUSE_S = 0.002


def main(control: int, request: int) -> int:
    """Start the job, stay until the harness lets go, and leave nothing behind."""
    os.set_inheritable(control, False)
    with os.fdopen(request, "rb") as file:
        asked: dict[str, Any] = json.load(file)
    kernel.adopt_orphans()
    root = Path(asked["root"])
    above = os.open(root.parent, os.O_PATH)  # as it is before anything is mounted over it
    try:
        _make_reachable(asked)
    except OSError as error:
        sys.stderr.write(f"the folder {asked['covered'][0]} cannot be entered: {error}\n")
        return REFUSED
    woken = wakened_by_children()
    if os.fork() == 0:
        _become(asked)
    _let_go_of_output()
    alone = not _attend(control, woken)
    end_all()
    if alone:
        os.set_inheritable(above, True)
        os.execv(REMOVE[0], [*REMOVE, f"/proc/self/fd/{above}/{root.name}"])  # noqa: S606 - a program of the system's
    return 0


def _make_reachable(asked: dict[str, Any]) -> None:
    """Give the job's user a way to what lies in folders that only root may enter."""
    if not asked["covered"]:
        return
    os.umask(0o022)
    kernel.own_mounts()
    for folder in asked["covered"]:
        kernel.cover(folder, "size=64k,mode=0755", asked["kept"])


def wakened_by_children() -> int:
    """A descriptor that can be read when a child has ended."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return reading


def _become(asked: dict[str, Any]) -> NoReturn:
    """In the fork: give up everything, then run the job's command."""
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.closerange(3, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        os.chdir(asked["work"])
        for name, (soft, hard) in asked["limits"].items():
            resource.setrlimit(getattr(resource, name), (soft, hard))
        if os.geteuid() == 0:
            kernel.drop_bounds()
            os.setgroups([])
            os.setresgid(*[asked["uid"]] * 3)
            os.setresuid(*[asked["uid"]] * 3)
        kernel.die_with_parent()
        kernel.drop_capabilities()
        restrict(asked["rules"], asked["abi"])
        kernel.install_filter(bytes.fromhex(asked["seccomp"]))
        command: list[str] = asked["command"]
        os.execve(command[0], command, asked["environment"])  # noqa: S606 - the job itself
    except OSError:
        traceback.print_exc()
    finally:
        os._exit(REFUSED)


def _let_go_of_output() -> None:
    """The job's alone: they end when it does."""
    nothing = os.open("/dev/null", os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)


def _attend(control: int, woken: int) -> bool:
    """Wait for whoever of the job ends, until the harness says so; False when it is gone."""
    while True:
        ready, _, _ = select.select([control, woken], [], [])
        if control in ready:
            return bool(os.read(control, 1))
        os.read(woken, 4096)
        any_left()


def end_all() -> None:
    """Stop every descendant, so that none makes more, then kill all and see them dead."""
    stopped: set[int] = set()
    while fresh := set(_descendants()) - stopped:
        _signal(fresh, signal.SIGSTOP)
        stopped |= fresh
    while any_left():
        _signal(set(_descendants()), signal.SIGKILL)
        time.sleep(PAUSE_S)


def _descendants() -> list[int]:
    return list(islice(tree(os.getpid()), 1, None))


def _signal(pids: set[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:  # it ended by itself
            continue


def any_left() -> bool:
    """Wait for the dead; whether a living child remains."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False
        if pid == 0:
            return True


if __name__ == "__main__":
    Path("/proc/self/comm").write_text("hanji-guard", encoding="ascii")
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
