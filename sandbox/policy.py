"""What a job may do: frozen, hashed, held by the harness and never shown to the job."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

from sandbox.records import digest_of

MIB = 1024 * 1024


@dataclass(frozen=True)
class Policy:
    """Limits of one job. Network is never allowed.

    trust: `builtin` code of this project may start warm; anything else gets a sandbox of its own.
    outputs: names under the workspace that may come back (plain names or one-level globs such as
    `model/*`).
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
    outputs: tuple[str, ...] = ("result.json",)

    @property
    def digest(self) -> str:
        """SHA-256 of the limits: recorded with every trial."""
        return digest_of(asdict(self))
