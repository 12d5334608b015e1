"""Pilots: one trial of a call on development items alone, before anything is planned.

A pilot has a seed that no plan may use, and is told the development items in the place of the test
items, so that no test answer, score or even prompt of a plan is near it. It leaves no evidence:
nothing of it can be cited.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import JsonValue

from sandbox.errors import BadInput, OutputRejected
from sandbox.job import Job
from sandbox.ledger import Ledger
from sandbox.policy import Policy
from sandbox.records import Split, digest_of
from tools.experiment import Arm, Experiment, PairedTest, Side
from tools.expert_cache import ExpertCache
from tools.intake import Intake
from tools.kind import KINDS
from tools.law_check import last_words, printable, waited
from tools.measures import MEASURES
from tools.own_code import OwnCode, brought_code, seams_of
from tools.roster import Planned, roster
from tools.steps import Steps
from tools.subject import ShowsTraining, Subject
from tools.tasks.brought import LazyItems
from tools.tasks.mark import mark
from tools.tasks.task import Item
from tools.tool import find_tool
from tools.trial_folder import Ending, TrialFolder
from tools.workshop import Executor

FOLDER = "pilots"
NOT_PILOTED = frozenset({"compare_speed", "train", *(kind.check for kind in KINDS.values())})
"""Tools of the sandbox that answer no items, or only make what others start from."""
DEARER, LEAST_S = 8.0, 60.0
"""A pilot is ended when it takes so many times what it should; a short one gets a minute."""
LONGEST_NOTE = 200


class PilotSubject:
    """The subject with other items: those of development, under a seed of the pilots' own."""

    most_seeds = 1

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self.name, self.domain = subject.name, subject.domain
        self.description, self.caveat = subject.description, subject.caveat
        self.roles, self.cards, self.groups = subject.roles, subject.cards, subject.groups
        self.primary, self.kept, self.pairing = subject.primary, subject.kept, subject.pairing
        self.seams = seams_of(subject)
        self.code: tuple[OwnCode, ...] = tuple(brought_code(subject).values())

    def items(self, seed: int) -> Mapping[str, Mapping[Split, tuple[Item, ...]]]:
        """The dev items of the seed, twice: there is no test split in a pilot."""
        found = self._subject.items(seed)

        def twice(task: str) -> Mapping[Split, tuple[Item, ...]]:
            return {"dev": found[task]["dev"], "test": found[task]["dev"]}

        return LazyItems(tuple(found), twice)

    def training(self, task: str, seed: int) -> tuple[Item, ...]:
        """As of the subject."""
        assert isinstance(self._subject, ShowsTraining)
        return self._subject.training(task, seed)

    def data_digest(self, seed: int) -> str:
        """SHA-256 of the subject's items with a mark, so that no trial is taken for a pilot."""
        return digest_of([FOLDER, self._subject.data_digest(seed)])


@dataclass(frozen=True)
class Piloted:
    """What came of it. scores: task -> measure -> value, on development items.

    failure: why there are none, else empty. said, notes: words of the job, printable and bounded.
    """

    scores: Mapping[str, Mapping[str, float]]
    measures: Mapping[str, float]
    failure: str = ""
    notes: tuple[str, ...] = ()
    said: str = ""


@dataclass(frozen=True)
class Stand:
    """Where pilots are run. folder: the run's.

    pay: called with a trial and how to run it; reserves before and settles after.
    """

    executor: Executor
    folder: Path
    cache: Path | None
    stop: threading.Event
    pay: Callable[[Planned, Callable[[], Ending]], Ending]
    scale: float = 1.0


def pilot_seed(subject: Subject) -> int:
    """The first seed beyond those that a plan may name."""
    return subject.most_seeds


def piloted_tools() -> tuple[str, ...]:
    """Names of the tools that a pilot may call."""
    from tools.tool import all_tools

    found = (tool for tool in all_tools().values() if tool.place == "sandbox")
    return tuple(tool.name for tool in found if tool.name not in NOT_PILOTED)


def pilot_trials(
    tool: str, arguments: dict[str, JsonValue], subject: Subject, scale: float = 1.0
) -> list[Planned]:
    """The trials that the pilot needs, itself the last. Raises BadInput for a wrong call."""
    if tool not in piloted_tools():
        raise BadInput(f"{tool} is not piloted", f"known: {', '.join(piloted_tools())}")
    declared = find_tool(tool)
    arm = Arm(name="pilot", label="pilot", tool=tool, arguments=declared.normal(arguments))
    side = Side(label="pilot", arms=("pilot",), tasks=(subject.primary,), split="dev")
    plan = Experiment(
        hypothesis=FOLDER,
        subject=subject.name,
        arms=(arm,),
        seeds=(pilot_seed(subject),),
        test=PairedTest(
            metric="cpu_s", treatment=side, control=side, predicted_effect=0.0, family_size=1
        ),
    )
    return [
        replace(planned, policy=_nearer(planned.policy, planned.cpu_s))
        for planned in roster([plan], PilotSubject(subject), scale)
    ]


def pilot(trials: Sequence[Planned], subject: Subject, stand: Stand, ledger: Ledger) -> Piloted:
    """Run the trials one after the other; of the last, what it scores on development items.

    ledger: is not written to. Raises CheckStopped when the person stops the run.
    """
    seen = PilotSubject(subject)
    for planned in trials:
        ending = _run(planned, seen, stand)
        if ending.verdict != "ok":
            said = last_words(TrialFolder(stand.folder / FOLDER, planned.id))
            return Piloted({}, {}, f"{planned.label}: {printable(ending.reason, 300)}", said=said)
    return _read(trials[-1], ending, seen, stand, ledger)


def waiting(trials: Sequence[Planned], subject: Subject, stand: Stand) -> list[Planned]:
    """Those that are neither finished nor kept from an earlier run."""
    seen = PilotSubject(subject)
    return [
        trial
        for trial in trials
        if Steps(trial, stand.folder / FOLDER, seen).finished() is None
        and not (trial.leaves_model and stand.cache and (stand.cache / trial.id).is_dir())
    ]


def _run(planned: Planned, subject: Subject, stand: Stand) -> Ending:
    place = stand.folder / FOLDER
    folder = TrialFolder(place, planned.id)
    steps = Steps(planned, place, subject)
    if (ended := steps.finished()) is not None:
        return ended
    cache = ExpertCache(stand.cache) if stand.cache is not None and planned.leaves_model else None
    if cache is not None and (kept := cache.fetch(planned.id, folder)) is not None:
        return kept

    def work() -> Ending:
        job: Job | None = steps.begin()
        while job is not None:
            job = steps.after(waited(stand.executor.submit(job), stand.stop))
        return steps.seal()

    ending = stand.pay(planned, work)
    if cache is not None and ending.verdict == "ok":
        cache.keep(planned.id, folder)
    return ending


def _read(
    planned: Planned, ending: Ending, subject: Subject, stand: Stand, ledger: Ledger
) -> Piloted:
    """Its dev answers, marked outside. Times are left out: they belong to the machine."""
    folder = TrialFolder(stand.folder / FOLDER, planned.id)
    try:
        result = Intake(subject, ledger).read(planned, ending, folder)
        items = subject.items(planned.spec.seed)
        scores: dict[str, dict[str, float]] = {}
        for card in subject.cards:
            answers = result.predictions.get(card.name, {}).get("dev")
            if answers is not None:
                marked = mark(card, answers, items[card.name]["dev"])
                scores[card.name] = {marked.metric: round(marked.value, 4)}
    except OutputRejected as error:
        return Piloted({}, {}, printable(str(error), 300), said=last_words(folder))
    measures = {n: v for n, v in result.measures.items() if MEASURES[n].unit != "s"}
    notes = tuple(printable(note, LONGEST_NOTE) for note in result.notes)
    return Piloted(scores, measures, notes=notes)


def _nearer(policy: Policy, cpu_s: float) -> Policy:
    """An end that is near to what the call should cost."""
    most = max(LEAST_S, DEARER * cpu_s)
    return replace(policy, cpu_s=min(policy.cpu_s, most), wall_s=min(policy.wall_s, 2 * most))
