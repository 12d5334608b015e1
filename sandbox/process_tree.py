"""What a tree of processes uses, read from /proc outside of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from sandbox.kernel_memory import Sockets, open_files_bytes

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
MOST_REMEMBERED = 1 << 16
WIDE = 4  # this many times the memory in addresses may hide much in tables: 1/512 of them at most


@dataclass(frozen=True)
class Usage:
    """What a tree uses at one moment.

    cpu_s: of the living and the dead; of a dead process that nobody waited for, what it had used
    when it was last seen. memory_bytes: resident; shared pages once per process, or split fairly
    when it was worth the time; the page tables of processes that map very much; and what open
    files and sockets may hold at most. processes: threads count too.
    """

    cpu_s: float = 0.0
    memory_bytes: int = 0
    processes: int = 0


class Meter:
    """Looks at one tree again and again.

    The kernel forgets what a process used whose parent does not wait for it; the meter does not.
    """

    def __init__(self, root: int, precise_above_bytes: int, most_processes: int) -> None:
        """Follow `root` and its descendants.

        PSS is read only above `precise_above_bytes`. Who has more than `most_processes` is only
        seen to have more, so that a crowd is found out as fast as a few.
        """
        self._root, self._precise_above_bytes = root, precise_above_bytes
        self._most_processes = most_processes
        self._seen: dict[tuple[int, str], float] = {}
        self._seen_s = self._cpu_s = self._before_s = 0.0
        self._sockets = Sockets(root)

    def begin(self) -> None:
        """Count CPU time from now on: what came before is the sandbox's own start."""
        self._before_s = self.read().cpu_s

    def read(self) -> Usage:
        """What the tree uses now; its CPU time never falls."""
        kept_s, resident, kernel, threads = 0.0, 0, self._sockets.bytes(), 0
        pids = list(islice(tree(self._root), self._most_processes + 1))
        for at, pid in enumerate(pids):
            fields = stat_of(pid)
            if fields:
                own_s, waited_s = (sum(map(int, fields[n : n + 2])) / TICKS_PER_S for n in (11, 13))
                self._see((pid, fields[19]), own_s)
                kept_s += own_s + waited_s
                threads += int(fields[17])
                pids[at], fields = with_memory(pid, fields)
                resident += int(fields[21]) * PAGE_BYTES
                kernel += open_files_bytes(pids[at])
                if int(fields[20]) > WIDE * self._precise_above_bytes:
                    kernel += _table_bytes(pids[at])
        if resident > self._precise_above_bytes:
            resident = sum(share_bytes(pid) for pid in pids)
        self._cpu_s = max(self._cpu_s, kept_s, self._seen_s)
        return Usage(self._cpu_s - self._before_s, resident + kernel, threads)

    def _see(self, process: tuple[int, str], own_s: float) -> None:
        """Count what this process (its pid and start) used since it was last seen."""
        self._seen_s += own_s - self._seen.pop(process, 0.0)
        self._seen[process] = own_s
        if len(self._seen) > MOST_REMEMBERED:
            del self._seen[next(iter(self._seen))]


def tree(root: int) -> Iterator[int]:
    """`root` and every living descendant."""
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        yield pid
        waiting.extend(_children(pid))


def threads_of(uid: int) -> int:
    """How many threads that user runs now."""
    count = 0
    for process in Path("/proc").glob("[0-9]*/task"):
        try:
            status = process.stat()
        except FileNotFoundError:  # it ended while we looked
            continue
        count += (status.st_nlink - 2) * (status.st_uid == uid)
    return count


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208
            text = Path(f"/proc/{pid}/task/{task}/children").read_text(encoding="ascii")
            found.extend(int(child) for child in text.split())
    except OSError:  # it ended while we looked
        return found
    return found


def stat_of(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the state on; empty when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text[text.rfind(")") + 2 :].split()


def with_memory(pid: int, fields: list[str]) -> tuple[int, list[str]]:
    """The thread that memory shows in, with its stat: the first may end before the others."""
    if fields[20] != "0" or int(fields[17]) < 2:
        return pid, fields
    try:
        tasks = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208
    except OSError:  # it ended while we looked
        return pid, fields
    others = ((int(task), stat_of(int(task))) for task in tasks)
    return next(((task, own) for task, own in others if own and own[20] != "0"), (pid, fields))


def _table_bytes(pid: int) -> int:
    """Memory of the tables that say where pages are, which pages that hold nothing need too."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:  # it ended while we looked
        return 0
    sizes = [line.split()[1] for line in text.splitlines() if line.startswith("VmPTE:")]
    return int(sizes[0]) * 1024 if sizes else 0


def share_bytes(pid: int, kinds: tuple[str, ...] = ("Pss:",)) -> int:
    """Proportional share of memory, or what is resident when the kernel does not say."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        lines = []
    if sizes := [int(line.split()[1]) * 1024 for line in lines if line.startswith(kinds)]:
        return sum(sizes)
    fields = stat_of(pid)
    return int(fields[21]) * PAGE_BYTES if fields else 0
