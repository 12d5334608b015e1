"""What a trial sees from inside its sandbox: models, tasks, a seed, a place to write.

Held-out labels are not among it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools.kept import Kept
from tools.tasks.task import TaskView
from tools.trial import SearchPoint


@dataclass(frozen=True)
class Bench:
    """Everything a tool may use.

    models: role -> folder of a Hugging Face checkpoint. tasks: name -> dev items with answers, test
    prompts.

    work: writable folder; a tool that makes a checkpoint writes it to `work/model/`. journal:
    evaluations of an interrupted earlier attempt at this very trial, oldest first. note: call after
    every evaluation of a search; it makes the evaluation durable outside of the sandbox. apart:
    another job answers, so weights are left in `work/model/` and nothing is said. kept: where
    trainings are kept, and lie where an interrupted attempt left them; None where none is.
    """

    seed: int
    models: Mapping[str, Path]
    tasks: Mapping[str, TaskView]
    work: Path
    journal: tuple[SearchPoint, ...] = ()
    note: Callable[[SearchPoint], None] = field(default=lambda point: None)
    apart: bool = False
    kept: Kept | None = None
