"""Sequences of a task that was brought: drawn in a fresh sandbox, read as hostile, split outside.

To which split a sequence belongs is decided by a digest of its tokens, as for tasks of the product,
so that the splits cannot overlap whatever the file draws. The test is drawn with a number that
depends on the run's secret.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from sandbox.collect import read_json
from sandbox.errors import BadInput, OutputRejected
from sandbox.job import Job
from sandbox.policy import MIB, Policy
from tools.law_check import LONGEST, CheckStopped, last_words, printable, waited
from tools.sources import code_digest
from tools.tasks.own_task import OwnTask
from tools.tasks.sequence import NOT_ASKED, Batch, Part
from tools.tasks.task import Item
from tools.trial import TrialSpec
from tools.trial_folder import Ending, TrialFolder
from tools.workshop import Executor

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COMMAND = (sys.executable, "-P", "-m", "tools.draw_worker", "{inputs}", "{work}")
FOLDER = "draws"
LIMITS = Policy(trust="untrusted", wall_s=180.0, cpu_s=60.0, memory_bytes=2048 * MIB)
SHARES = {"train": 6 / 8, "dev": 1 / 8, "test": 1 / 8}
"""Of all sequences, those of each split."""
SPARE, LEAST = 1.5, 64
"""More is drawn than is needed: how many belong to a split is left to chance."""


class Rows(BaseModel):
    """What a draw leaves; see tools/tasks/asked.py."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompts: list[str]
    answers: list[str]


@dataclass(frozen=True)
class Draw:
    """What came of it. failure: why there is no batch, else empty. said: last words of the job."""

    batch: Batch | None
    failure: str
    ending: Ending
    said: str = ""


@dataclass(frozen=True)
class Table:
    """Where draws are made. folder: a run's, or any other; they are kept below its `draws/`.

    paid: told of each draw that was made. halted: what is raised when `stop` is set.
    """

    executor: Executor
    folder: Path
    stop: threading.Event
    paid: Callable[[OwnTask, str, Ending], None] = lambda own, id, ending: None
    halted: type[Exception] = CheckStopped

    def split(self, own: OwnTask, part: Part, seed: int, wanted: int, secret: str = "") -> Batch:
        """`wanted` sequences of a split, the same for the same seed and secret.

        Raises BadInput when the file cannot draw them, and what `halted` says.
        """
        from tools.tasks.splitting import belongs, split_stream

        count = int(SPARE * wanted / SHARES[part]) + LEAST
        made = self.draw(own, split_stream(seed, own.name, part, secret), count)
        if made.batch is None:
            raise BadInput(f"{own.name} drew no {part} sequences: {made.failure}", _FIX)
        mine = belongs(made.batch.tokens, part)
        if int(mine.sum()) < wanted:
            raise BadInput(
                f"{own.name}: {int(mine.sum())} of {wanted} {part} sequences among {count}",
                "draw sequences that differ more",
            )
        return Batch(made.batch.tokens[mine][:wanted], made.batch.targets[mine][:wanted])

    def draw(self, own: OwnTask, seed: int, count: int, attempt: int = 1) -> Draw:
        """Draw, or read what was drawn before; attempts differ in nothing but their sandbox."""
        spec = TrialSpec(
            tool="draw_task",
            arguments={"task": own.name, "digest": own.digest, "count": count, "attempt": attempt},
            seed=seed,
            files={own.input: own.digest},
            code_digest=code_digest(),
            data_digest="",
        )
        place = TrialFolder(self.folder / FOLDER, spec.id)
        ending = place.finished(leaves_model=False)
        if ending is None:
            place.prepare(spec, (), ())
            inputs = {"call.json": place.call, own.input: own.file}
            job = Job(spec.id, COMMAND, place.path, inputs, LIMITS)
            try:
                outcome = waited(self.executor.submit(job), self.stop)
            except CheckStopped as stop:
                raise self.halted from stop
            ending = place.seal(outcome, leaves_model=False)
            self.paid(own, spec.id, ending)
        if ending.verdict != "ok":
            failure = printable(ending.reason, LONGEST).strip()
            return Draw(None, failure, ending, last_words(place))
        try:
            return Draw(_read(place, own, count), "", ending)
        except (OutputRejected, BadInput, ValidationError) as error:
            what = error.what if isinstance(error, OutputRejected | BadInput) else "other fields"
            return Draw(None, printable(what, LONGEST).strip(), ending, last_words(place))


_FIX = "`hanji tasks check FILE` says what is wrong with the file"


def _read(place: TrialFolder, own: OwnTask, count: int) -> Batch:
    """What a draw left, every number of it looked at. Raises OutputRejected, BadInput."""
    from tools.tasks.asked import batch_of

    room = 4096 + count * (own.length + 1) * 16
    rows = Rows.model_validate(read_json(place.result, room))
    if not len(rows.prompts) == len(rows.answers) == count:
        raise OutputRejected(
            f"{len(rows.prompts)} prompts and {len(rows.answers)} answers for {count} sequences",
            "draw as many as asked",
        )
    batch = batch_of([Item(*pair) for pair in zip(rows.prompts, rows.answers, strict=True)])
    _check(batch.tokens, batch.targets, own)
    return batch


def _check(tokens: NDArray[np.int64], targets: NDArray[np.int64], own: OwnTask) -> None:
    asked = targets != NOT_ASKED
    faults = (
        (tokens.shape[1] != own.length, f"sequences of {tokens.shape[1]} tokens"),
        (int(tokens.max(initial=0)) >= own.vocabulary, f"the token {tokens.max(initial=0)}"),
        (not asked.any(1).all(), "a sequence that asks nothing"),
        (int(targets.max(initial=0)) >= own.classes, f"the answer {targets.max(initial=0)}"),
    )
    for wrong, what in faults:
        if wrong:
            raise OutputRejected(
                f"it drew {what}; it declares {own.length} tokens below {own.vocabulary} and "
                f"answers below {own.classes}, of which each sequence asks some",
                "draw what the decorator says",
            )
