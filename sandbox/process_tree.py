"""What a tree of processes uses, read from /proc outside of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
MOST_REMEMBERED = 1 << 16
WIDE = 4  # this many times the memory in addresses may hide much in tables: 1/512 of them at most


@dataclass(frozen=True)
class Usage:
    """What a tree uses at one moment.

    cpu_s: of the living and the dead; of a dead process that nobody waited for, what it had used
    when it was last seen. memory_bytes: resident; shared pages once per process, or split fairly
    when it was worth the time; and the page tables of processes that map very much. processes:
    threads count too.
    """

    cpu_s: float = 0.0
    memory_bytes: int = 0
    processes: int = 0


class Meter:
    """Looks at one tree again and again.

    The kernel forgets what a process used whose parent does not wait for it; the meter does not.
    """

    def __init__(self, root: int, precise_above_bytes: int) -> None:
        """Follow `root` and its descendants; PSS is read only above `precise_above_bytes`."""
        self._root, self._precise_above_bytes = root, precise_above_bytes
        self._seen: dict[tuple[int, str], float] = {}
        self._seen_s = self._cpu_s = self._before_s = 0.0

    def begin(self) -> None:
        """Count CPU time from now on: what came before is the sandbox's own start."""
        self._before_s = self.read().cpu_s

    def read(self) -> Usage:
        """What the tree uses now; its CPU time never falls."""
        kept_s, resident, tables, threads = 0.0, 0, 0, 0
        pids = list(tree(self._root))
        for pid in pids:
            fields = _stat(pid)
            if fields:
                own_s, waited_s = (sum(map(int, fields[n : n + 2])) / TICKS_PER_S for n in (11, 13))
                self._see((pid, fields[19]), own_s)
                kept_s += own_s + waited_s
                threads += int(fields[17])
                resident += int(fields[21]) * PAGE_BYTES
                if int(fields[20]) > WIDE * self._precise_above_bytes:
                    tables += _table_bytes(pid)
        if resident > self._precise_above_bytes:
            resident = sum(_share_bytes(pid) for pid in pids)
        self._cpu_s = max(self._cpu_s, kept_s, self._seen_s)
        return Usage(self._cpu_s - self._before_s, resident + tables, threads)

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


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the state on; empty when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text[text.rfind(")") + 2 :].split()


def hidden_bytes(root: int, above_bytes: int) -> int:
    """Memory shared without a file that may count in no process: its toucher may be dead.

    Only processes with more address space than `above_bytes` can hold that much, and only their
    maps are read. Each region counts once, whole.
    """
    regions: dict[str, int] = {}
    for pid in tree(root):
        fields = _stat(pid)
        if fields and int(fields[20]) > above_bytes:
            regions.update(_anonymous_regions(pid))
    return sum(regions.values())


def _anonymous_regions(pid: int) -> Iterator[tuple[str, int]]:
    """Inode and bytes of every shared mapping without a file of its own."""
    try:
        lines = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        if line.endswith("/dev/zero (deleted)"):
            span, _, _, _, inode, *_ = line.split()
            first, _, last = span.partition("-")
            yield inode, int(last, 16) - int(first, 16)


def _table_bytes(pid: int) -> int:
    """Memory of the tables that say where pages are, which pages that hold nothing need too."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:  # it ended while we looked
        return 0
    sizes = [line.split()[1] for line in text.splitlines() if line.startswith("VmPTE:")]
    return int(sizes[0]) * 1024 if sizes else 0


def _share_bytes(pid: int) -> int:
    """Proportional share of memory, or what is resident when the kernel does not say."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    fields = _stat(pid)
    return int(fields[21]) * PAGE_BYTES if fields else 0
