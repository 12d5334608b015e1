"""What the checks of code that was brought have in common: laws, what is said of each, limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

from sandbox.policy import MIB, Policy
from sandbox.records import Seam
from tools.kind import KINDS

LAWS: Mapping[Seam, tuple[str, ...]] = MappingProxyType(
    {seam: kind.laws for seam, kind in KINDS.items()}
)
"""By kind, in the order in which they are tried. The first two must hold before the others are."""
HOLDS, NOT_ASKED, NOT_REACHED = "holds", "not asked", "not reached"
LONGEST = 240
LIMITS = Policy(trust="untrusted", wall_s=180.0, cpu_s=60.0, memory_bytes=2048 * MIB)
"""The laws ask for fractions of a second; importing torch on a busy machine for some tens."""
COST_S = 10.0
"""CPU seconds that the laws of a file take, about."""


def findings(seam: Seam, broken: Sequence[str], asked: Callable[[str], bool]) -> Iterator[str]:
    """One line a law: `causality: holds`, or what is broken. asked: whether a law is asked."""
    by_law: dict[str, list[str]] = {law: [] for law in LAWS[seam]}
    for sentence in broken:
        law, _, what = sentence.partition(": ")
        by_law[law].append(what)
    first = LAWS[seam][:2]
    unfit = any(by_law[law] for law in first)
    for law, found in by_law.items():
        unbroken = HOLDS if asked(law) else NOT_ASKED
        if unfit and law not in first:
            unbroken = NOT_REACHED
        yield f"{law}: {'; '.join(found)[:LONGEST] or unbroken}"
