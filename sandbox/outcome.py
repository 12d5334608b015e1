"""How a job ended, as the harness saw it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Verdict = Literal["ok", "failed", "killed"]
Limit = Literal[
    "", "wall", "cpu", "memory", "disk", "inodes", "processes", "log", "file", "cancelled"
]


@dataclass(frozen=True)
class Output:
    """A collected file: in the harness's folder, hashed, not read from the workspace again."""

    path: Path
    bytes: int
    digest: str


@dataclass(frozen=True)
class Outcome:
    """How one job ended.

    `ok`: exit 0 within the limits. `failed`: another exit. `killed`: by the harness, `limit` says
    which.

    isolation: the backend and level that really ran it, such as `bubblewrap` or `unconfined`.
    rejected: output name -> why it was refused. `reason` is one sentence for people. terms: the
    job's, empty for one that an earlier version ran.
    """

    job: str
    verdict: Verdict
    limit: Limit
    reason: str
    exit_code: int
    wall_s: float
    cpu_s: float
    memory_peak_bytes: int
    isolation: str
    outputs: Mapping[str, Output] = field(default_factory=dict)
    rejected: Mapping[str, str] = field(default_factory=dict)
    stdout_tail: str = ""
    stderr_tail: str = ""
    terms: str = ""
