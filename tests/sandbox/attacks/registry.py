"""Every case that a sandbox must survive, by name."""

from __future__ import annotations

from tests.sandbox.attacks.attack import Attack, Content, Staged
from tests.sandbox.attacks.greed import GREED
from tests.sandbox.attacks.kernel import KERNEL
from tests.sandbox.attacks.network import NETWORK
from tests.sandbox.attacks.outputs import LEFT, TRICKS
from tests.sandbox.attacks.reach import FILES, PROCESSES
from tests.sandbox.attacks.readers import CHECKPOINTS, JSON

KILLED_HARNESS = Staged("kill the harness with -9 and live on", "C")
NEIGHBOUR = Staged("read or change what another job holds at the same time", "D")
OWN_KEYS = Staged("find a key in its own environment", "D")
TEX_SHELL = Staged("run a command from TeX (`\\write18`)", "D")
TEX_READ = Staged("read a file outside from TeX (`\\input`)", "D")
TEX_WRITE = Staged("write a file outside from TeX (`\\openout`)", "D")
TEX_LOOP = Staged("loop in TeX without end", "K")

ATTACKS: dict[str, Attack] = {
    one.name: one for one in (*FILES, *PROCESSES, *NETWORK, *KERNEL, *GREED, *TRICKS)
}
ATTACKS |= {f"leave {one.name}": one for one in LEFT}
CONTENTS: dict[str, Content] = {f"leave {one.name}": one for one in (*JSON, *CHECKPOINTS)}
STAGED = (OWN_KEYS, NEIGHBOUR, KILLED_HARNESS, TEX_SHELL, TEX_READ, TEX_WRITE, TEX_LOOP)


def expected() -> dict[str, str]:
    """Name of every case -> how it must end, in the order of the page."""
    every = {name: one.expected for name, one in ATTACKS.items()}
    every |= {one.name: one.expected for one in STAGED}
    return every | {name: one.expected for name, one in CONTENTS.items()}
