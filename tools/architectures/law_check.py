"""A block's laws, tried in a fresh sandbox: what the trusted side knows of code that it never runs.

The block is imported there and nowhere else. What comes back is text of an untrusted job: it is
read as hostile, and a job that says nothing usable is a check that failed, never one that passed.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from sandbox.collect import read_json
from sandbox.errors import OutputRejected
from sandbox.job import Job
from sandbox.outcome import Outcome
from tools.actions.check_block import HOLDS, LAWS, LIMITS, NOT_ASKED, NOT_REACHED
from tools.architectures.own_block import OwnBlock
from tools.sources import code_digest
from tools.trial import TrialResult, TrialSpec
from tools.trial_folder import Ending, TrialFolder
from tools.workshop import Executor

COMMAND = (sys.executable, "-P", "-m", "tools.worker", "{inputs}", "{work}")
LONGEST = 300
_UNBROKEN = (HOLDS, NOT_ASKED, NOT_REACHED)
_POLL_S = 0.2


class CheckStopped(Exception):
    """The check was cancelled before it ended; it can be made again."""


@dataclass(frozen=True)
class LawCheck:
    """What came of it. laws: law -> `holds`, `not asked`, `not reached`, or what is broken.

    failure: why the laws could not be tried (the block raised, a limit was hit), else empty.
    """

    block: OwnBlock
    failure: str
    cpu_s: float
    wall_s: float
    isolation: str
    laws: Mapping[str, str] = field(default_factory=dict)

    @property
    def broken(self) -> tuple[str, ...]:
        """One sentence for each law that does not hold."""
        return tuple(f"{law}: {what}" for law, what in self.laws.items() if what not in _UNBROKEN)

    @property
    def lawful(self) -> bool:
        """Whether every law was tried, but for those that it is not asked, and holds."""
        tried = all(self.laws.get(law) in (HOLDS, NOT_ASKED) for law in LAWS)
        return not self.failure and tried

    @property
    def sentence(self) -> str:
        """Why the block may not be trained; empty when it may."""
        if self.lawful:
            return ""
        if self.failure:
            return f"the laws could not be tried on {self.block.name}: {self.failure}"
        what = "; ".join(self.broken) or "not every law was tried"
        return f"{self.block.name} breaks a law of blocks: {what}"


def check_laws(
    block: OwnBlock, executor: Executor, folder: Path, stop: threading.Event | None = None
) -> LawCheck:
    """Try the laws, or read how they were tried before a crash.

    folder: a run's, or any other; the job is kept below its `trials/`. Raises CheckStopped when
    `stop` is set or the executor is cancelled.
    """
    spec = TrialSpec(
        tool="check_block",
        arguments={"block": block.name, "digest": block.digest, "parameters": {}},
        seed=0,
        files={block.input: block.digest},
        code_digest=code_digest(),
        data_digest="",
    )
    place = TrialFolder(folder, spec.id)
    ending = place.finished(leaves_model=False)
    if ending is None:
        place.prepare(spec, (), ())
        job = Job(
            id=spec.id,
            command=COMMAND,
            folder=place.path,
            inputs={"call.json": place.call, block.input: block.file},
            policy=LIMITS,
        )
        outcome = _waited(executor.submit(job), stop or threading.Event())
        ending = place.seal(outcome, leaves_model=False)
    laws, failure = _read(ending, place)
    return LawCheck(block, failure, ending.cpu_s, ending.wall_s, ending.isolation, laws)


def _waited(future: Future[Outcome], stop: threading.Event) -> Outcome:
    while not wait([future], _POLL_S, FIRST_COMPLETED).done:
        if stop.is_set():
            raise CheckStopped
    try:
        outcome = future.result()
    except CancelledError as error:
        raise CheckStopped from error
    if outcome.limit == "cancelled":
        raise CheckStopped
    return outcome


def _read(ending: Ending, place: TrialFolder) -> tuple[dict[str, str], str]:
    """(laws, failure): one of them is empty."""
    if ending.verdict != "ok":
        return {}, _printable(ending.reason)
    try:
        notes = TrialResult.model_validate(read_json(place.result)).notes
    except (OutputRejected, ValidationError) as error:
        return {}, f"it left no usable result ({type(error).__name__})"
    pairs = [note.partition(": ")[::2] for note in notes]
    if [law for law, _ in pairs] != list(LAWS):
        return {}, "its result does not speak of every law"
    return {law: _printable(what) or "it does not say" for law, what in pairs}, ""


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)[:LONGEST].strip()
