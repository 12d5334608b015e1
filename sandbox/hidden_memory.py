"""Memory that no process counts: shared, when its toucher is dead, and lists of mappings."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.process_tree import share_bytes, stat_of, tree, with_memory

MAPPING_BYTES = 256  # what the kernel holds for one
NARROW = 8  # who has less than this part of an even share of the memory in addresses hides little
SHARED = b"/dev/zero (deleted)"  # how a mapping is called that is shared without a file
UNSHARED = ("Pss_Anon:", "Pss_File:")


@dataclass(frozen=True)
class Map:
    """What a process had mapped when it had used so much CPU time. regions: inode -> bytes."""

    ticks: int = 0
    mappings: int = 0
    regions: Mapping[bytes, int] = field(default_factory=dict)


class HiddenMemory:
    """Looks at one tree now and then; who did not run since has mapped nothing since."""

    def __init__(self, root: int) -> None:
        """Of `root` and its descendants."""
        self._root = root
        self._maps: dict[tuple[int, str], Map] = {}

    def bytes(self, most_bytes: int) -> int:
        """What is held, of which the larger of this and what the meter saw counts.

        Stops above `most_bytes`. Each shared region counts once, whole; where there is one, what
        processes hold unshared counts with it.
        """
        pids, kept, held = list(tree(self._root)), self._maps, 0
        self._maps = {}
        for at, pid in enumerate(pids):
            if fields := stat_of(pid):
                process = pid, fields[19]
                pids[at], fields = with_memory(pid, fields)
                if int(fields[20]) * NARROW * len(pids) > most_bytes:
                    self._maps[process] = _map(pids[at], fields, kept.get(process, Map(-1)))
                    held = self._listed()
            if held > most_bytes:
                return held
        shared = any(seen.regions for seen in self._maps.values())
        return held + (sum(share_bytes(pid, UNSHARED) for pid in pids) if shared else 0)

    def _listed(self) -> int:
        regions = ChainMap(*(dict(seen.regions) for seen in self._maps.values() if seen.regions))
        mappings = sum(seen.mappings for seen in self._maps.values())
        return mappings * MAPPING_BYTES + sum(regions.values())


def _map(pid: int, fields: list[str], before: Map) -> Map:
    ticks = int(fields[11]) + int(fields[12])
    if ticks == before.ticks:
        return before
    try:
        text = Path(f"/proc/{pid}/maps").read_bytes()
    except OSError:  # it ended while we looked
        return Map()
    lines = [line for line in text.splitlines() if line.endswith(SHARED)] if SHARED in text else []
    return Map(ticks, text.count(b"\n"), dict(map(_region, lines)))


def _region(line: bytes) -> tuple[bytes, int]:
    span, _, _, _, inode, *_ = line.split()
    first, _, last = span.partition(b"-")
    return inode, int(last, 16) - int(first, 16)
