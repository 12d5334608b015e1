"""The jobs of one trial: what it makes, then what that answers, in sandboxes of their own.

A step has ended when its job's outcome is on disk, so a trial that was interrupted between two of
them goes on with the next.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path

from pydantic import JsonValue

from sandbox.errors import OutputRejected, SandboxError
from sandbox.job import Job
from sandbox.outcome import Outcome
from sandbox.policy import Policy
from sandbox.records import Seam
from tools.answer import MADE
from tools.atomic import write_atomically
from tools.kept import KEPT
from tools.kind import KINDS
from tools.made import check_made
from tools.roster import Planned
from tools.seed_inputs import given_cards, seed_inputs
from tools.sheets import MOST_SHEETS, Sheet, answer_of, sheets
from tools.subject import Subject
from tools.tasks.task import TaskView
from tools.tool import find_tool
from tools.trial_folder import MODEL, RESULT, Ending, TrialFolder, whole_outcome

COMMAND = (sys.executable, "-P", "-m", "tools.worker", "{inputs}", "{work}")
WARM = "tools.worker:main"
KEEP_S = 60.0
"""Seconds of training between two checkpoints."""


class Steps:
    """What is done of a trial, as its folder tells, and what is next."""

    def __init__(self, planned: Planned, run: Path, subject: Subject) -> None:
        self.folder = TrialFolder(run, planned.id)
        self._planned, self._run, self._subject = planned, run, subject
        self._answer = answer_of(planned)
        self._drawn = find_tool(planned.spec.tool).drawn(planned.spec.arguments)

    @property
    def keeps_model(self) -> bool:
        """Whether something starts from what the trial makes."""
        return self._planned.leaves_model or self._answer is not None

    @property
    def _keeps(self) -> bool:
        """Whether trainings are kept: never beside code that is not trusted."""
        trusted = self._planned.policy.trust == "builtin"
        return trusted and find_tool(self._planned.spec.tool).keeps

    def draw(self) -> None:
        """Draw all that the trial is given and asked. Raises BadInput when a task cannot be."""
        if self._tasks():
            self._given()
        elif self._drawn:
            items = self._subject.items(self._planned.spec.seed)
            for named in self._drawn:
                items[named.name]

    def begin(self) -> Job:
        """The next job of a trial that has not ended; what is left of a broken one is cleared.

        One that was sealed and is no longer what was sealed is done again from the start.
        """
        if self.folder.is_sealed or not self._done():
            roles = [*self._planned.spec.needs, *self._planned.models]
            self.folder.prepare(
                self._planned.spec,
                roles,
                self._tasks(),
                apart=self._answer is not None,
                keep_s=KEEP_S if self._keeps else 0.0,
            )
        job = self.next()
        assert job is not None
        return job

    def next(self) -> Job | None:
        """The first job that has not ended, with all that it is given.

        None when there is none, or one did not end well.
        """
        number = self._next()
        if number == 0:
            return self._make()
        return self._ask(number, self._sheets[number - 1]) if number > 0 else None

    def after(self, ended: Outcome) -> Job | None:
        """What follows a job, None when nothing does.

        Raises SandboxError when its outcome cannot be read back: it would be run for ever.
        """
        job = self.next()
        if job is not None and job.id == ended.job:
            raise SandboxError(
                f"the outcome of job {ended.job} cannot be read from its folder",
                "check the disk that holds the run, then resume it",
            )
        return job

    def finished(self) -> Ending | None:
        """How the trial ended, None when it has not.

        A trial whose last job ended while the harness was dying is sealed now.
        """
        if self.folder.is_sealed:
            return self.folder.ending()
        return self.seal() if self._next() < 0 else None

    def seal(self) -> Ending:
        """Write how the trial ended: from here on it is finished."""
        first, *answers = self._done()
        return self.folder.seal(first, leaves_model=self.keeps_model, answers=answers)

    def _next(self) -> int:
        """Number of the next job, below 0 when none is left. The first is 0."""
        done = self._done()
        if done and (done[-1].verdict != "ok" or len(done) > len(self._sheets)):
            return -1
        return len(done)

    @cached_property
    def _sheets(self) -> tuple[Sheet, ...]:
        """None where there is nothing that could be asked."""
        if self._answer is None:
            return ()
        try:
            check_made(self._planned, self._answer, self.folder)
        except OutputRejected:
            return ()  # whoever reads the trial is told why
        return sheets(self._planned, self._subject)

    def _done(self) -> list[Outcome]:
        """How the jobs ended, up to the first that did not, or whose outputs were changed."""
        found: list[Outcome] = []
        for path in (self.folder.path, *map(self.folder.answers, range(1, MOST_SHEETS + 1))):
            outcome = whole_outcome(path)
            if outcome is None:
                break
            found.append(outcome)
        return found

    def _tasks(self) -> list[str]:
        learns = self._answer is None or self._answer.learns
        cards = given_cards(self._subject, self._drawn)
        return [card.name for card in cards] if learns else []

    def _make(self) -> Job:
        """All of the trial, or what it makes."""
        planned, answer = self._planned, self._answer
        inputs = {"call.json": self.folder.call} | self._models() | dict(planned.code)
        if self._tasks():
            inputs["tasks"] = self._given()
        outputs: tuple[str, ...] = (RESULT,)
        if answer is not None:
            outputs += tuple(f"{MODEL}/{name}" for name in answer.leaves)
        elif planned.leaves_model:
            outputs += (f"{MODEL}/*",)
        if self._keeps:
            outputs += (f"{KEPT}/*.safetensors",)
            inputs |= {KEPT: self.folder.kept} if self.folder.kept.is_dir() else {}
        return self._job(planned.id, self.folder.path, inputs, planned.policy, outputs)

    def _given(self) -> Path:
        """The tasks as the trial sees them; written once."""
        seed, asks = self._planned.spec.seed, self._answer is None
        return seed_inputs(self._run, self._subject, seed, asks=asks, drawn=self._drawn)

    def _ask(self, number: int, sheet: Sheet) -> Job:
        """What answers the questions of a sheet, with no code but that which it needs."""
        planned, answer = self._planned, self._answer
        assert answer is not None
        place = self.folder.answers(number)
        shutil.rmtree(place, ignore_errors=True)
        roles = answer.reads(find_tool(planned.spec.tool).check(planned.spec.arguments))
        code = {name: path for name, path in planned.code.items() if _seam(name) in answer.seams}
        inputs = {f"models/{role}": path for role, path in self._by_role().items() if role in roles}
        inputs |= {f"models/{MADE}/{name}": self.folder.model / name for name in answer.leaves}
        inputs |= {"call.json": place / "call.json", "tasks": place / "tasks"} | code
        self._write_questions(place, sheet)
        call: dict[str, JsonValue] = {
            "tool": planned.spec.tool,
            "arguments": planned.spec.arguments,
            "step": "answer",
            "roles": [*roles, MADE],
            "tasks": [name for name, asked in sheet.asked.items() if asked],
        }
        write_atomically(place / "call.json", json.dumps(call, ensure_ascii=False))
        policy = planned.policy if code else replace(planned.policy, trust="builtin")
        return self._job(f"{planned.id}-answers-{number}", place, inputs, policy, (RESULT,))

    def _write_questions(self, place: Path, sheet: Sheet) -> None:
        for card in self._subject.cards:
            if asked := sheet.asked.get(card.name):
                questions = tuple(one.question for one in asked)
                view = TaskView(card.name, card.kind, (), questions, card.answer_tokens, card.drawn)
                text = json.dumps(asdict(view), ensure_ascii=False)
                write_atomically(place / "tasks" / f"{card.name}.json", text)

    def _by_role(self) -> dict[str, Path]:
        """The checkpoints that the trial starts from: trained by other trials, or brought."""
        trained = {
            role: TrialFolder(self._run, trial).model
            for role, trial in self._planned.spec.needs.items()
        }
        return trained | dict(self._planned.models)

    def _models(self) -> dict[str, Path]:
        return {f"models/{role}": path for role, path in self._by_role().items()}

    def _job(
        self,
        id: str,
        folder: Path,
        inputs: Mapping[str, Path],
        policy: Policy,
        outputs: tuple[str, ...],
    ) -> Job:
        return Job(
            id=id,
            command=COMMAND,
            folder=folder,
            inputs=inputs,
            policy=replace(policy, outputs=outputs),
            warm=WARM,
        )


def _seam(name: str) -> Seam:
    """The kind of a file of code, by its name below the inputs."""
    return next(kind.seam for kind in KINDS.values() if name.startswith(f"{kind.setting}/"))
