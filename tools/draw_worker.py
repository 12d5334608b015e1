"""Draw sequences of a task that was brought, inside a sandbox of its own.

    python -P -m tools.draw_worker INPUTS WORK

It is told a number to draw with and how many sequences to draw; what they are for is decided where
they are read.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from sandbox.errors import BadInput, HanjiError
from tools.load_code import load_code
from tools.own_code import input_of


class Asked(BaseModel):
    """Which task, by the SHA-256 of its file, and how many sequences."""

    model_config = ConfigDict(frozen=True)

    task: str
    digest: str
    count: int


class Call(BaseModel):
    """`call.json`."""

    model_config = ConfigDict(frozen=True)

    arguments: Asked
    seed: int


def main(inputs: Path, work: Path) -> None:
    """Leave `result.json` with a prompt and an answer for each sequence. Raises HanjiError."""
    import numpy as np

    from tools.tasks.asked import items_of
    from tools.tasks.drawn import all_drawn_tasks
    from tools.tasks.sequence import Batch

    call = Call.model_validate_json((inputs / "call.json").read_bytes())
    asked = call.arguments
    load_code("task", inputs / input_of("task", asked.task), asked.task, asked.digest)
    made = all_drawn_tasks()[asked.task].draws(np.random.default_rng(call.seed), asked.count)
    both = [np.asarray(made.tokens), np.asarray(made.targets)]
    if any(part.ndim != 2 or part.dtype.kind not in "iu" for part in both):
        raise BadInput(
            f"{asked.task}: tokens and targets are no tables of whole numbers",
            "return Batch(tokens, targets), both of (count, length)",
        )
    items = items_of(Batch(*(part.astype(np.int64) for part in both)))
    rows = {"prompts": [i.prompt for i in items], "answers": [i.answer for i in items]}
    part_file = work / "result.json.part"
    part_file.write_text(json.dumps(rows), encoding="utf-8")
    part_file.rename(work / "result.json")


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    except HanjiError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
