"""One thing to run in a sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.policy import Policy
from sandbox.records import digest_of


@dataclass(frozen=True)
class Job:
    """A command, its read-only inputs and the folder that receives what it leaves.

    command: argv; `{inputs}` and `{work}` in it become the folders as the job sees them. The job
    starts in `{work}`.
    inputs: name below `{inputs}` -> file or folder of the host, read-only inside.
    folder: on the host; gets stdout.log, stderr.log (written while the job runs) and the collected
    outputs.
    warm: "module:function" that does the same as the command when called as function(inputs, work)
        in a process that has already imported its libraries; used for trusted code only, empty when
        there is none.
    """

    id: str
    command: tuple[str, ...]
    folder: Path
    inputs: Mapping[str, Path] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
    warm: str = ""

    @property
    def terms(self) -> str:
        """SHA-256 of what it may do and read: recorded with its outcome."""
        return digest_of({"policy": self.policy.digest, "read-only inputs": sorted(self.inputs)})
