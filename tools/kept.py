"""Where a training is kept while it runs, so that one that is interrupted goes on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

KEPT = "kept"
"""The folder of a trial that holds them, beside its results and among a job's inputs."""


@dataclass(frozen=True)
class Kept:
    """A file, and the seconds of training between two checkpoints; a shorter one is not kept."""

    path: Path
    seconds: float

    def part(self, name: str) -> Kept:
        """The place of one of several trainings."""
        return replace(self, path=self.path.with_name(f"{self.path.stem}-{name}.safetensors"))
