"""The lab's memory: what earlier runs beside this one answered, recognised by its comparison.

A question was answered when a published run, the chain of whose ledger holds, supported or refuted
it. It is the same question when both sides are the same calls on the same models and tasks, by the
same metric, whatever it is called and on whichever seeds. Values stay with the run that measured
them: what is cited here is words, and a digest to find them by.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from agent.shelf import all_runs, reading
from agent.topic import Topic
from sandbox.errors import HanjiError, PlanRefused
from sandbox.ledger import Ledger
from sandbox.records import (
    ComparisonLine,
    HypothesisLine,
    MemoryLine,
    PaperLine,
    TrialLine,
    VerdictLine,
    digest_of,
    short_id,
)
from tools.experiment import Arm, Experiment, PairedTest, Side
from tools.freeze import call_of, frozen_plans
from tools.roster import roster
from tools.sources import code_digest
from tools.subject import Subject
from tools.trial import TrialSpec

ANSWERS = ("supported", "refuted")
"""Rulings that answer a question; an undecided one is open."""
Specs = Mapping[str, TrialSpec]


@dataclass(frozen=True)
class Answer:
    """One question that one run answered.

    calls: which calls were compared, as `_compared` has it. question: the same with the models that
    they read. items: (seed, digest of its data) of one pair. subject: its name.
    """

    line: MemoryLine
    calls: str
    question: str
    items: tuple[int, str]
    subject: str


class Memory:
    """What is remembered, for one run; without answers it recalls nothing."""

    def __init__(
        self,
        subject: Subject,
        ledger: Ledger,
        answers: Sequence[Answer] = (),
        *,
        drawn: bool = False,
        repeat: bool = False,
        left_out: Sequence[str] = (),
    ) -> None:
        """Remember for the run of this subject and ledger.

        drawn: each run draws test items of its own. repeat: what was answered is cited and asked
        again all the same. left_out: what is not remembered, and why.
        """
        self._subject, self._ledger = subject, ledger
        self._answers = tuple(a for a in answers if a.subject == subject.name)
        self._drawn, self._repeat = drawn, repeat
        self.left_out = tuple(left_out)

    @property
    def told(self) -> tuple[MemoryLine, ...]:
        """All that earlier runs answered about this kind of subject, the oldest first."""
        return tuple(answer.line for answer in self._answers)

    def recall(self, arms: tuple[Arm, ...], test: PairedTest) -> MemoryLine | None:
        """What was answered about this comparison; it is cited in the run's ledger from now on.

        None where nothing was, where two runs answered otherwise, or where it is to be repeated.
        """
        if not self._answers:
            return None
        calls = _compared(test, {arm.name: call_of(arm) for arm in arms})
        alike = [answer for answer in self._answers if answer.calls == calls]
        asked = self._asked(arms, test) if alike else ""
        found = [a for a in alike if a.question == asked and self._same_items(a)]
        if not found or len({answer.line.ruling for answer in found}) > 1:
            return None
        seeds = sorted({seed for answer in found for seed in answer.line.seeds})
        line = self._cite(found[-1].line.model_copy(update={"seeds": tuple(seeds)}))
        return None if self._repeat else line

    def _asked(self, arms: tuple[Arm, ...], test: PairedTest) -> str:
        plan = Experiment(
            hypothesis="recalled", subject=self._subject.name, arms=arms, seeds=(0,), test=test
        )
        specs = {planned.id: planned.spec for planned in roster([plan], self._subject)}
        made = {digest_of([spec.tool, spec.arguments]): id for id, spec in specs.items()}
        substance = {arm.name: _substance(made[call_of(arm)], specs) for arm in arms}
        return _compared(test, substance)

    def _same_items(self, answer: Answer) -> bool:
        """Whether both were tested on the same items, or on draws from the same generator."""
        seed, digest = answer.items
        if self._drawn:
            return True
        return seed < self._subject.most_seeds and self._subject.data_digest(seed) == digest

    def _cite(self, line: MemoryLine) -> MemoryLine:
        """The line as it stands in the ledger: written once, whatever happens to that run later."""
        cited = self._ledger.lines(MemoryLine)
        known = [c for c in cited if (c.run, c.hypothesis) == (line.run, line.hypothesis)]
        if not known:
            self._ledger.append(line)
        return known[0] if known else line


def memory_of(folder: Path, topic: Topic, subject: Subject, ledger: Ledger) -> Memory:
    """What the runs beside this one answered, where its topic asks for that."""
    answers, left_out = remembered(folder.parent, folder.name) if topic.memory else ([], [])
    drawn, repeat = bool(topic.secret), topic.repeat
    return Memory(subject, ledger, answers, drawn=drawn, repeat=repeat, left_out=left_out)


def remembered(runs: Path, but: str) -> tuple[list[Answer], list[str]]:
    """What the runs in a folder answered, the oldest first, without the run of that name.

    And a sentence for each run that was left out, because it cannot be read or its chain is broken.
    """
    found: list[Answer] = []
    left_out: list[str] = []
    code = code_digest()
    for run in all_runs(runs):
        if run.name == but:
            continue
        try:
            with reading(run) as ledger:
                found += _answers(run, ledger, code)
        except (HanjiError, OSError, UnicodeDecodeError) as error:
            left_out.append(f"{run.name} is not remembered: {error}")
    return found, left_out


def _answers(run: Path, ledger: Ledger, code: str) -> Iterator[Answer]:
    papers = ledger.lines(PaperLine)
    if not papers or papers[-1].status != "published":
        return
    plans = {plan.id: plan for plan in frozen_plans(ledger, run)}
    last = {verdict.hypothesis: verdict for verdict in ledger.lines(VerdictLine)}
    for verdict in last.values():
        hypothesis = ledger.find(HypothesisLine, verdict.hypothesis)
        comparison = ledger.find(ComparisonLine, verdict.comparison)
        if verdict.ruling not in ANSWERS or hypothesis is None or comparison is None:
            continue
        plan = plans[comparison.experiment]
        trials = _trials(ledger, plan, comparison.seeds[0])
        specs = _specs(run, [trial.id for trial in trials.values()])
        if not trials or not specs:
            continue
        line = MemoryLine(
            id=short_id([run.name, hypothesis.id]),
            run=run.name,
            hypothesis=hypothesis.id,
            family=hypothesis.family,
            title=hypothesis.title,
            statement=hypothesis.statement,
            ruling=verdict.ruling,
            seeds=comparison.seeds,
            same_code=all(trial.code_digest == code for trial in trials.values()),
            head=ledger.head,
        )
        calls = _compared(plan.test, {arm: call_of(plan.arm(arm)) for arm in trials})
        substance = {arm: _substance(trial.id, specs) for arm, trial in trials.items()}
        one = next(iter(trials.values()))
        items = (one.seed, one.data_digest)
        yield Answer(line, calls, _compared(plan.test, substance), items, plan.subject)


def _trials(ledger: Ledger, plan: Experiment, seed: int) -> dict[str, TrialLine]:
    """Arm -> its trial of that seed; empty where an arm of the test has none.

    Empty too where this version does not know one of its calls.
    """
    ended = {
        digest_of([trial.tool, trial.arguments]): trial
        for trial in ledger.lines(TrialLine)
        if trial.seed == seed and trial.status == "ok"
    }
    tested = (*plan.test.treatment.arms, *plan.test.control.arms)
    try:
        return {arm: ended[call_of(plan.arm(arm))] for arm in tested}
    except (PlanRefused, KeyError):
        return {}


def _specs(run: Path, trials: Sequence[str]) -> Specs:
    """The specs of these trials and of those that they need; empty where one is not to be had.

    A trial's id is the digest of its spec, so a file that was changed is not taken for it.
    """
    found: dict[str, TrialSpec] = {}
    wanted = list(trials)
    while wanted:
        id = wanted.pop()
        if id in found:
            continue
        try:
            spec = TrialSpec.model_validate_json((run / "trials" / id / "job.json").read_bytes())
        except (OSError, ValidationError):
            return {}
        if spec.id != id:
            return {}
        found[id] = spec
        wanted += spec.needs.values()
    return found


def _compared(test: PairedTest, arms: Mapping[str, str]) -> str:
    """Digest of what a test compares: both sides, their tasks and split, and the metric.

    arms: name -> digest of what the arm is.
    """

    def side(of: Side) -> dict[str, object]:
        made = sorted(arms[name] for name in of.arms)
        return {"arms": made, "tasks": sorted(of.tasks), "split": of.split}

    return digest_of({"metric": test.metric, "sides": [side(test.treatment), side(test.control)]})


def _substance(trial: str, specs: Specs) -> str:
    """Digest of what a trial computes, whatever its seed, its items and the version of its code."""
    spec = specs[trial]
    needs = {role: _substance(id, specs) for role, id in spec.needs.items()}
    return digest_of([spec.tool, spec.arguments, needs, spec.files])
