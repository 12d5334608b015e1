"""Laws tried in a fresh sandbox: what the trusted side knows of code that it never runs.

The file is imported there and nowhere else. What comes back is text of an untrusted job: it is read
as hostile, and a job that says nothing usable is a check that failed, never one that passed.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import JsonValue, ValidationError

from sandbox.collect import read_json
from sandbox.errors import OutputRejected
from sandbox.job import Job
from sandbox.outcome import Outcome
from sandbox.paths import JobPaths
from sandbox.records import Seam
from tools.laws import HOLDS, LAWS, LIMITS, NOT_ASKED, NOT_REACHED
from tools.own_code import OwnCode
from tools.sources import code_digest
from tools.trial import TrialResult, TrialSpec
from tools.trial_folder import Ending, TrialFolder
from tools.workshop import Executor

COMMAND = (sys.executable, "-P", "-m", "tools.worker", "{inputs}", "{work}")
LONGEST = 300
SAID_LINES, SAID_BYTES = 12, 2000
_UNBROKEN = (HOLDS, NOT_ASKED, NOT_REACHED)
_POLL_S = 0.2
_FILE_LINE = re.compile(r'File "[^"]*?/([^"/]+/[^"/]+)"')


class CheckStopped(Exception):
    """The check was cancelled before it ended; it can be made again."""


@dataclass(frozen=True)
class LawCheck:
    """What came of it. laws: law -> `holds`, `not asked`, `not reached`, or what is broken.

    failure: why the laws could not be tried (the code raised, a limit was hit), else empty. said:
    the last lines of its standard error, printable and bounded; words of untrusted code.
    """

    code: OwnCode
    failure: str
    cpu_s: float
    wall_s: float
    isolation: str
    laws: Mapping[str, str] = field(default_factory=dict)
    said: str = ""

    @property
    def broken(self) -> tuple[str, ...]:
        """One sentence for each law that does not hold."""
        return tuple(f"{law}: {what}" for law, what in self.laws.items() if what not in _UNBROKEN)

    @property
    def lawful(self) -> bool:
        """Whether every law was tried, but for those that it is not asked, and holds."""
        names = LAWS[self.code.seam]
        return not self.failure and all(self.laws.get(n) in (HOLDS, NOT_ASKED) for n in names)

    @property
    def sentence(self) -> str:
        """Why the code may not be used; empty when it may."""
        if self.lawful:
            return ""
        if self.failure:
            return f"the laws could not be tried on {self.code.name}: {self.failure}"
        what = "; ".join(self.broken) or "not every law was tried"
        return f"{self.code.name} breaks a law of {self.code.kind.of_laws}: {what}"


def check_call(own: OwnCode) -> tuple[str, dict[str, JsonValue]]:
    """The tool that tries the laws on this code, and its arguments."""
    return own.kind.check, {own.kind.short: own.name, "digest": own.digest}


TriesOutside = Callable[[OwnCode, Executor, Path, threading.Event], LawCheck]
"""What tries the laws of a kind on what sandboxes leave: (code, executor, folder, stop)."""


def check_laws(
    own: OwnCode, executor: Executor, folder: Path, stop: threading.Event | None = None
) -> LawCheck:
    """Try the laws, or read how they were tried before a crash.

    folder: a run's, or any other; the job is kept below its `trials/` or `draws/`. Raises
    CheckStopped when `stop` is set or the executor is cancelled.
    """
    stop = stop or threading.Event()
    if own.kind.outside:
        return own.kind.try_outside()(own, executor, folder, stop)
    tool, arguments = check_call(own)
    spec = TrialSpec(
        tool=tool,
        arguments=arguments,
        seed=0,
        files={own.input: own.digest},
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
            inputs={"call.json": place.call, own.input: own.file},
            policy=LIMITS,
        )
        outcome = waited(executor.submit(job), stop)
        ending = place.seal(outcome, leaves_model=False)
    laws, failure = _read(own.seam, ending, place)
    said = last_words(place)
    return LawCheck(own, failure, ending.cpu_s, ending.wall_s, ending.isolation, laws, said)


def waited(future: Future[Outcome], stop: threading.Event) -> Outcome:
    """How the job ended. Raises CheckStopped when it was cancelled or `stop` is set."""
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


def last_words(place: TrialFolder) -> str:
    """The end of the last job's standard error: printable, bounded, without the machine's paths."""
    path = JobPaths(place.last_job).stderr
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 2 * SAID_BYTES))
        text = file.read(2 * SAID_BYTES).decode("utf-8", "replace")
    lines = [printable(_FILE_LINE.sub(r'File "\1"', line), LONGEST) for line in text.splitlines()]
    return "\n".join([line for line in lines if line.strip()][-SAID_LINES:])[-SAID_BYTES:]


def printable(text: str, most: int) -> str:
    """Without control characters, and not longer than that."""
    return "".join(c if c.isprintable() else " " for c in text)[:most].rstrip()


def _read(seam: Seam, ending: Ending, place: TrialFolder) -> tuple[dict[str, str], str]:
    """(laws, failure): one of them is empty."""
    if ending.verdict != "ok":
        return {}, printable(ending.reason, LONGEST).strip()
    try:
        notes = TrialResult.model_validate(read_json(place.result)).notes
    except (OutputRejected, ValidationError) as error:
        return {}, f"it left no usable result ({type(error).__name__})"
    pairs = [note.partition(": ")[::2] for note in notes]
    if [law for law, _ in pairs] != list(LAWS[seam]):
        return {}, "its result does not speak of every law"
    said = {law: printable(what, LONGEST).strip() for law, what in pairs}
    return {law: what or "it does not say" for law, what in said.items()}, ""
