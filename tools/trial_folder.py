"""A trial on disk: what it was asked, what it printed, what it left, how it ended."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from sandbox.outcome import Limit, Outcome, Verdict
from sandbox.paths import JobPaths, read_outcome
from tools.atomic import write_atomically
from tools.folder_digest import file_digest, folder_digest
from tools.kept import KEPT
from tools.trial import SearchPoint, TrialSpec

RESULT, MODEL, ANSWERS = "result.json", "model", "answers"
ENDING = "ending.json"
_JOURNAL = "journal.jsonl"
_LONGEST_LINE = 400


class Ending(BaseModel):
    """How a trial ended. Kept in `ending.json`, once the trial is finished.

    resumed: a search or training that went on from an interrupted attempt, so its cost is that of
    the last part. cached: the model was trained by an earlier run, whose cost this is. answers:
    SHA-256 of what each job left that only answered; times are those of all jobs together. terms:
    SHA-256 of what each job was allowed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    verdict: Verdict
    limit: Limit = ""
    reason: str = ""
    wall_s: float = 0.0
    cpu_s: float = 0.0
    memory_peak_bytes: int = 0
    isolation: str
    result_digest: str = ""
    model_digest: str = ""
    rejected: dict[str, str] = {}
    resumed: bool = False
    cached: bool = False
    answers: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()

    @property
    def status(self) -> Literal["ok", "failed", "killed"]:
        """As the ledger names it."""
        return self.verdict


class TrialFolder:
    """`trials/<id>/` of a run."""

    def __init__(self, run: Path, trial: str) -> None:
        self.path = run / "trials" / trial
        self.result = self.path / RESULT
        self.model = self.path / MODEL
        self.call = self.path / "call.json"
        self.kept = self.path / KEPT

    def answers(self, number: int) -> Path:
        """Folder of a job that only answers, counted from 1."""
        return self.path / f"{ANSWERS}-{number}"

    @property
    def last_job(self) -> Path:
        """Folder of the job that was the last to start."""
        answers = sorted(self.path.glob(f"{ANSWERS}-*"))
        return answers[-1] if answers else self.path

    def prepare(
        self,
        spec: TrialSpec,
        roles: Iterable[str],
        tasks: Iterable[str],
        *,
        apart: bool = False,
        keep_s: float = 0.0,
    ) -> None:
        """Write `job.json` and `call.json`; of an unfinished attempt keep journal and trainings.

        apart: other jobs answer. keep_s: seconds of training between two checkpoints, 0 where none
        is kept.
        """
        journal = self.journal()
        self._sift_kept()
        for left in (self.result, self.path / ENDING, JobPaths(self.path).outcome):
            left.unlink(missing_ok=True)
        for folder in (self.model, *self.path.glob(f"{ANSWERS}-*")):
            shutil.rmtree(folder, ignore_errors=True)
        lines = "".join(point.model_dump_json() + "\n" for point in journal)
        write_atomically(self.path / _JOURNAL, lines)
        write_atomically(self.path / "job.json", spec.model_dump_json(indent=1))
        call: dict[str, JsonValue] = {
            "tool": spec.tool,
            "arguments": spec.arguments,
            "seed": spec.seed,
            "step": "make" if apart else "whole",
            "roles": list(roles),
            "tasks": list(tasks),
            "journal": [point.model_dump(mode="json") for point in journal],
            "keep_s": keep_s,
            "goes_on": self.kept.is_dir() and keep_s > 0,
        }
        write_atomically(self.call, json.dumps(call, ensure_ascii=False))

    def _sift_kept(self) -> None:
        """Take away what an attempt kept that is not whole, or all when it was not cut off."""
        outcome = read_outcome(self.path)
        if outcome is None:
            return  # cut off before it could leave anything: what it was given is still there
        whole = whole_outputs(outcome) if outcome.limit == "cancelled" else set()
        for file in self.kept.glob("*"):
            if f"{KEPT}/{file.name}" not in whole:
                file.unlink()
        with suppress(OSError):  # not there, or not empty
            self.kept.rmdir()

    def journal(self, most_bytes: int = 4 << 20) -> tuple[SearchPoint, ...]:
        """Evaluations of all unfinished attempts, from 1 without a gap.

        Only the first `most_bytes` of each file are read.
        """
        kept: list[SearchPoint] = []
        for file in (self.path / _JOURNAL, JobPaths(self.path).stdout):
            _extend(kept, _whole_lines(file, most_bytes))
        return tuple(kept)

    @property
    def is_sealed(self) -> bool:
        """Whether it was written how the trial ended."""
        return (self.path / ENDING).exists()

    def seal(
        self, outcome: Outcome, *, leaves_model: bool, answers: Sequence[Outcome] = ()
    ) -> Ending:
        """Write how the trial ended: from here on it is finished.

        answers: how the jobs ended that only answered, if there were any.
        """
        every = (outcome, *answers)
        ending = Ending(
            verdict=every[-1].verdict,
            limit=every[-1].limit,
            reason=_with_last_words(every[-1]),
            wall_s=sum(one.wall_s for one in every),
            cpu_s=sum(one.cpu_s for one in every),
            memory_peak_bytes=max(one.memory_peak_bytes for one in every),
            isolation=", ".join(dict.fromkeys(one.isolation for one in every)),
            result_digest=_digest(self.result),
            model_digest=folder_digest(self.model) if leaves_model and self.model.is_dir() else "",
            rejected=dict(outcome.rejected)
            | {
                f"{ANSWERS}-{number}/{name}": why
                for number, one in enumerate(answers, 1)
                for name, why in one.rejected.items()
            },
            resumed=self._goes_on(),
            answers=tuple(_digest(self.answers(n) / RESULT) for n in range(1, len(every))),
            terms=tuple(one.terms for one in every),
        )
        self.end(ending)
        shutil.rmtree(self.kept, ignore_errors=True)  # afterwards: the outcome may list them
        return ending

    def _goes_on(self) -> bool:
        """Whether the last attempt was given what an interrupted one had done."""
        call = json.loads(self.call.read_bytes()) if self.call.is_file() else {}
        return bool(call.get("goes_on") or _whole_lines(self.path / _JOURNAL, _LONGEST_LINE))

    def end(self, ending: Ending) -> Ending:
        """Write this ending."""
        write_atomically(self.path / ENDING, ending.model_dump_json(indent=1))
        return ending

    def finished(self, *, leaves_model: bool) -> Ending | None:
        """How the trial ended, None when it never came to its end.

        A job that ended while the harness was dying is sealed now.
        """
        if self.is_sealed:
            return self.ending()
        outcome = whole_outcome(self.path)
        return None if outcome is None else self.seal(outcome, leaves_model=leaves_model)

    def ending(self) -> Ending | None:
        """The sealed ending; None when there is none or the files are not those of the end."""
        try:
            ending = Ending.model_validate_json((self.path / ENDING).read_bytes())
        except (FileNotFoundError, ValidationError):
            return None
        whole = _matches(self.result, ending.result_digest, file_digest) and _matches(
            self.model, ending.model_digest, folder_digest
        )
        whole = whole and all(
            _matches(self.answers(number) / RESULT, digest, file_digest)
            for number, digest in enumerate(ending.answers, 1)
        )
        return ending if whole else None

    def disk_bytes(self) -> int:
        """Bytes of everything in the folder."""
        return sum(p.stat().st_size for p in self.path.rglob("*") if p.is_file())


def whole_outcome(folder: Path) -> Outcome | None:
    """How the job of the folder ended, None when it did not or its outputs are not those left."""
    outcome = read_outcome(folder)
    if outcome is None or outcome.limit == "cancelled":
        return None
    return outcome if whole_outputs(outcome) == set(outcome.outputs) else None


def whole_outputs(outcome: Outcome) -> set[str]:
    """Names of the outputs that are still those that the job left."""
    found = outcome.outputs.items()
    return {name for name, o in found if _matches(o.path, o.digest, file_digest)}


def _digest(path: Path) -> str:
    return file_digest(path) if path.is_file() else ""


def _matches(path: Path, digest: str, measure: Callable[[Path], str]) -> bool:
    return not digest or (path.exists() and measure(path) == digest)


def _whole_lines(path: Path, most_bytes: int) -> list[bytes]:
    try:
        with path.open("rb") as file:
            return file.read(most_bytes).split(b"\n")[:-1]
    except FileNotFoundError:
        return []


def _extend(kept: list[SearchPoint], lines: Sequence[bytes]) -> None:
    """Append the evaluations that follow on; other output is passed over, a gap ends it."""
    for line in lines:
        point = _point(line)
        if point is None or point.evaluation <= len(kept):
            continue
        if point.evaluation != len(kept) + 1:
            return
        kept.append(point)


def _point(line: bytes) -> SearchPoint | None:
    if not line.startswith(b"{") or len(line) > _LONGEST_LINE:
        return None
    try:
        return SearchPoint.model_validate_json(line, strict=True)
    except ValidationError:
        return None


def _with_last_words(outcome: Outcome) -> str:
    """The reason, with the last printable line of a failed job's standard error."""
    lines = [line for line in outcome.stderr_tail.splitlines() if line.strip()]
    if outcome.verdict != "failed" or not lines:
        return outcome.reason
    words = "".join(c for c in lines[-1] if c.isprintable())[:200]
    return outcome.reason if words in outcome.reason else f"{outcome.reason}; it last said: {words}"
