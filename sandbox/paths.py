"""Names of every file that the sandbox writes into a job's folder, and the way it writes them."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sandbox.outcome import Outcome, Output

INPUTS = "/job/inputs"
WORK = "/job/work"
CODE = "/job/code"
STDOUT, STDERR, OUTCOME = OWN_NAMES = ("stdout.log", "stderr.log", "outcome.json")


@dataclass(frozen=True)
class JobPaths:
    """The harness's side of one job."""

    folder: Path

    @property
    def stdout(self) -> Path:
        """What the job printed, live and bounded."""
        return self.folder / STDOUT

    @property
    def stderr(self) -> Path:
        """What the job complained of, live and bounded."""
        return self.folder / STDERR

    @property
    def outcome(self) -> Path:
        """How it ended; there only once the job is over and its outputs are collected."""
        return self.folder / OUTCOME


def write_outcome(outcome: Outcome, folder: Path) -> None:
    """Write `outcome.json` at once or not at all; paths in it are relative to the folder."""
    body = asdict(outcome)
    for name, output in outcome.outputs.items():
        body["outputs"][name]["path"] = str(output.path.relative_to(folder))
    target = JobPaths(folder).outcome
    draft = target.with_suffix(".part")
    with draft.open("w", encoding="utf-8") as file:
        json.dump(body, file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(target)


def read_outcome(folder: Path) -> Outcome | None:
    """The outcome that `write_outcome` left, or None when the job never came to its end."""
    path = JobPaths(folder).outcome
    if not path.exists():
        return None
    body: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    outputs = {
        name: Output(folder / output["path"], output["bytes"], output["digest"])
        for name, output in body.pop("outputs").items()
    }
    return Outcome(outputs=outputs, **body)
