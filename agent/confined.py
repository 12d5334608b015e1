"""Any command under the sandbox, as a trial would run, with limits that a person gives."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from agent.quantities import seconds, size
from sandbox.outcome import Outcome
from sandbox.policy import MIB, Policy


@dataclass(frozen=True)
class Limits:
    """wall_s in seconds; memory_bytes and disk_bytes in bytes; processes: at once."""

    wall_s: float
    memory_bytes: int
    disk_bytes: int
    processes: int

    @classmethod
    def parse(cls, wall: str, memory: str, disk: str, processes: int) -> Limits:
        """From what people write: 10s, 512MiB. Raises BadInput."""
        return cls(seconds(wall), size(memory), size(disk), processes)

    def policy(self) -> Policy:
        """As a policy for code that nobody vouches for; wall time and cores bound its CPU time."""
        return Policy(
            trust="untrusted",
            wall_s=self.wall_s,
            cpu_s=self.wall_s * max(1, len(os.sched_getaffinity(0))) + 1,
            memory_bytes=self.memory_bytes,
            processes=self.processes,
            disk_bytes=self.disk_bytes,
            file_bytes=self.disk_bytes + MIB,  # a file that fills the disk is told as such
            outputs=(),
        )


@dataclass(frozen=True)
class Confined:
    """How the command ended and what it printed."""

    outcome: Outcome
    stdout: str
    stderr: str

    def facts(self) -> dict[str, JsonValue]:
        """As JSON, sizes in bytes, times in seconds."""
        o = self.outcome
        return {
            "verdict": o.verdict,
            "limit": o.limit,
            "reason": o.reason,
            "exit_code": o.exit_code,
            "wall_s": o.wall_s,
            "cpu_s": o.cpu_s,
            "memory_peak_bytes": o.memory_peak_bytes,
            "isolation": o.isolation,
            "stdout": self.stdout,
            "stderr": self.stderr,
        }

    def words(self) -> str:
        """The verdict in a line."""
        o = self.outcome
        how = f"{o.verdict}, limit: {o.limit}" if o.limit else o.verdict
        return (
            f"{how}: {o.reason} (exit {o.exit_code}, {o.wall_s:.2f} s, "
            f"{o.memory_peak_bytes / (1 << 20):.0f} MiB at most, {o.isolation})"
        )


def run_confined(command: list[str], limits: Limits, backend: str) -> Confined:
    """Run it in an empty workspace that is thrown away. Raises SandboxUnavailable, UnknownName."""
    from sandbox.backend import find_backend
    from sandbox.exec import execute
    from sandbox.scratch import scratch

    with closing(find_backend(backend)) as found, scratch("exec") as folder:
        outcome = execute(command, limits.policy(), found, folder)
        return Confined(outcome, _log(folder / "stdout.log"), _log(folder / "stderr.log"))


def _log(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "backslashreplace") if path.is_file() else ""
