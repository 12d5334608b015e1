"""What a job may do: frozen, hashed, held by the harness and never shown to the job."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Literal

from sandbox.errors import BadInput
from sandbox.records import digest_of

MIB = 1024 * 1024


@dataclass(frozen=True)
class Policy:
    """Limits of one job.

    trust: `builtin` code of this project may start warm; anything else gets a sandbox of its own.
    gpus: numbers of the NVIDIA devices that it may use, which only bubblewrap can give, and never
    to a warm start. network: there is none to be had. outputs: names under the workspace that may
    come back (plain names or one-level globs such as `model/*`).
    """

    trust: Literal["builtin", "untrusted"] = "untrusted"
    wall_s: float = 60.0
    cpu_s: float = 60.0
    memory_bytes: int = 2048 * MIB
    processes: int = 64
    disk_bytes: int = 256 * MIB
    inodes: int = 4096
    file_bytes: int = 128 * MIB
    log_bytes: int = 1 * MIB
    gpus: tuple[int, ...] = ()
    network: Literal["none"] = "none"
    outputs: tuple[str, ...] = ("result.json",)

    def __post_init__(self) -> None:
        """Raises BadInput for a limit that would hold nobody: zero, negative, endless, NaN."""
        for name, value in asdict(self).items():
            if isinstance(value, int | float) and not 0 < value < math.inf:
                raise BadInput(f"{name} cannot be limited to {value}", "give a positive number")
        if self.network != "none":
            raise BadInput("no job gets a network", "give it what it needs as an input")
        if any(number < 0 for number in self.gpus):
            raise BadInput(f"{self.gpus} are no GPUs", "number them from 0, as `nvidia-smi` does")

    @property
    def digest(self) -> str:
        """SHA-256 of the limits."""
        return digest_of(asdict(self))
