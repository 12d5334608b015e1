"""A subject and tools so small that a trial takes a millisecond, run in threads.

The tools are real: models are files, answers follow from them, a search goes on from its journal.
"""

import json
import random
import threading
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from sandbox.job import Job
from sandbox.ledger import Ledger
from sandbox.outcome import Outcome
from sandbox.paths import write_outcome
from sandbox.records import HypothesisLine, digest_of
from tools.answer import Answer
from tools.bench import Bench
from tools.experiment import Arm, Experiment, PairedTest, Side
from tools.subject import Role
from tools.tasks.task import Item, Question, TaskCard, TaskView
from tools.tool import Tool
from tools.trial import SearchPoint, TrialResult
from tools.workshop import Workshop


class Call(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Train(Call):
    role: str
    start: str = ""
    skill: float = 0.5

    def needs(self):
        return (self.start,) if self.start else ()


class Evaluate(Call):
    role: str

    def needs(self):
        return (self.role,)

    def stands_for(self):
        return "model"


class Merge(Call):
    roles: tuple[str, ...] = ("left", "right")
    weight: float = 0.5

    def needs(self):
        return self.roles

    def stands_for(self):
        return "uniform-average" if self.weight == 0.5 else ""


class Search(Call):
    strategy: str = "evolve"
    roles: tuple[str, ...] = ("left", "right")
    evaluations: int = 12

    def needs(self):
        return self.roles

    def stands_for(self):
        return {
            "evolve": "evolution",
            "random": "random-search",
            "grid": "task-arithmetic-grid",
        }[self.strategy]


class Finetune(Call):
    role: str

    def needs(self):
        return (self.role,)

    def stands_for(self):
        return "fine-tuning"


def _skill(folder: Path) -> float:
    return json.loads((folder / "config.json").read_text())["skill"]


def _answers(bench: Bench, skill: float) -> dict[str, dict[str, list[str]]]:
    """Right for the easier items, which a number in the prompt tells."""

    def say(question):
        easiness, _, number = question.prompt.partition(" ")
        return str(int(number) + 1) if int(easiness) <= 100 * skill else "?"

    return {
        name: {"dev": [say(q) for q in view.dev], "test": [say(q) for q in view.test]}
        for name, view in bench.tasks.items()
    }


def train(arguments: Train, bench: Bench) -> TrialResult:
    """Write a model whose skill depends on role and seed."""
    start = _skill(bench.models[arguments.start]) if arguments.start else 0.0
    luck = random.Random(f"{arguments.role}{bench.seed}").uniform(-0.1, 0.1)
    model = bench.work / "model"
    model.mkdir()
    (model / "config.json").write_text(
        json.dumps({"skill": (start + arguments.skill) * (1 + luck)})
    )
    return TrialResult(steps=1)


def evaluate(arguments: Evaluate, bench: Bench) -> TrialResult:
    """Answer with one model."""
    return TrialResult(predictions=_answers(bench, _skill(bench.models[arguments.role])))


def merge(arguments: Merge, bench: Bench) -> TrialResult:
    """Answer with the sum of skills, weighted."""
    skill = sum(arguments.weight * _skill(bench.models[role]) for role in arguments.roles)
    weights = {role: {"all": arguments.weight} for role in arguments.roles}
    return TrialResult(predictions=_answers(bench, skill), coefficients=weights)


def search(arguments: Search, bench: Bench) -> TrialResult:
    """Try weights drawn from the seed and keep the best; goes on after the journal."""
    points = list(bench.journal)
    most = {"evolve": 1.0, "random": 0.9, "grid": 0.8}[arguments.strategy]
    for number in range(len(points) + 1, arguments.evaluations + 1):
        weight = random.Random(f"{bench.seed}/{number}").uniform(0.3, most)
        best = max([weight, *(point.best for point in points)])
        points.append(SearchPoint(evaluation=number, fitness=weight, best=best))
        bench.note(points[-1])
    weight = points[-1].best
    skill = sum(weight * _skill(bench.models[role]) for role in arguments.roles)
    return TrialResult(
        predictions=_answers(bench, skill),
        search=points,
        evaluations=len(points),
        coefficients={role: {"all": weight} for role in arguments.roles},
    )


def finetune(arguments: Finetune, bench: Bench) -> TrialResult:
    """Answer a little better than the model."""
    return TrialResult(predictions=_answers(bench, 1.5 * _skill(bench.models[arguments.role])))


def handed(arguments: Evaluate, bench: Bench) -> TrialResult:
    """Leave the model for another job, and claim to have answered."""
    assert bench.apart
    assert not any(view.test for view in bench.tasks.values())
    model = bench.work / "model"
    model.mkdir()
    (model / "config.json").write_text(json.dumps({"skill": _skill(bench.models[arguments.role])}))
    (model / "notes.txt").write_text("the seed is 1")
    perfect = {name: {"test": ["all"] * 40} for name in bench.tasks}
    return TrialResult(predictions=perfect, steps=1)


def answer(arguments: Evaluate, bench: Bench) -> TrialResult:
    """Answer with the model that was left."""
    said = _answers(bench, _skill(bench.models["made"]))
    return TrialResult(predictions={name: {"test": of["test"]} for name, of in said.items()})


TOOLS = {
    name: Tool(name, function.__doc__, "sandbox", cpu_s, model, function)
    for name, cpu_s, model, function in [
        ("train", 4.0, Train, train),
        ("evaluate", 1.0, Evaluate, evaluate),
        ("merge", 1.0, Merge, merge),
        ("search", 6.0, Search, search),
        ("finetune", 2.0, Finetune, finetune),
    ]
}
TOOLS["handed"] = Tool(
    "handed",
    "",
    "sandbox",
    1.0,
    Evaluate,
    handed,
    None,
    Answer(answer, ("config.json",), always=True),
)


class SmallSubject:
    name = "small"
    description = "numbers"
    primary = "next"
    kept = ("other",)
    groups = ("all",)
    most_seeds = 20
    caveat = ""
    pairing = "Each pair is one seed."

    def __init__(self) -> None:
        self.roles = (
            Role("start", "base", "base", "", {"role": "start", "skill": 0.1}),
            Role("left", "left", "parent", "", _start("left", 0.3), ("start",)),
            Role("right", "right", "parent", "", _start("right", 0.4), ("start",)),
        )
        self.cards = tuple(
            TaskCard(name, name, "exact_match", 0.0, "", "made up") for name in ("next", "other")
        )

    def items(self, seed: int):
        rng = random.Random(seed)

        def draw(count):
            return tuple(
                Item(f"{rng.randrange(100)} {n}", str(n + 1))
                for n in (rng.randrange(1000) for _ in range(count))
            )

        return {card.name: {"dev": draw(5), "test": draw(40)} for card in self.cards}

    def data_digest(self, seed: int) -> str:
        items = self.items(seed)
        return digest_of([[[vars(i) for i in v] for v in d.values()] for d in items.values()])


def _start(role: str, skill: float) -> dict[str, str | float]:
    return {"role": role, "start": "start", "skill": skill}


class PowerCut(Exception):
    """The harness dies: what was not sealed is lost."""


@dataclass
class ThreadExecutor:
    """Runs tools in threads. cut_at: how many jobs may end before the power fails in the next.

    sick: tool name -> what to do instead of its work ("fail", "kill", "lie", "nothing").
    """

    slots: int = 2
    cut_at: int = -1
    sick: dict[str, str] = field(default_factory=dict)
    runs: Counter = field(default_factory=Counter)
    order: list[str] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.pool = ThreadPoolExecutor(self.slots)
        self.cancelled = threading.Event()

    def submit(self, job: Job) -> Future[Outcome]:
        self.jobs.append(job)
        number = len(self.jobs) - 1
        return self.pool.submit(self._run, job, 0 <= self.cut_at <= number)

    def cancel(self) -> None:
        self.cancelled.set()

    def _run(self, job: Job, cut: bool) -> Outcome:
        if self.cancelled.is_set():
            return _outcome(job, "killed", "cancelled")
        outcome = self._ended(job, cut)
        write_outcome(outcome, job.folder)
        return outcome

    def _ended(self, job: Job, cut: bool) -> Outcome:
        call = json.loads(job.inputs["call.json"].read_text())
        name = call["tool"] + ("/answer" if call["step"] == "answer" else "")
        self.order.append(f"{name}/{call.get('seed', '')}")
        trouble = self.sick.get(name, "")
        if trouble == "fail":
            return _outcome(job, "failed", stderr="Traceback\nValueError: no\x1b[31m luck\n")
        if trouble == "kill":
            return _outcome(job, "killed", "memory")
        result = self._work(job, call, cut)
        text = {"lie": '{"predictions": {"next": {"test": ["1"]}}}', "nothing": ""}.get(trouble)
        if text != "":
            (job.folder / "result.json").write_text(text or result.model_dump_json())
        self.runs[job.id] += 1
        return _outcome(job, "ok")

    def _work(self, job: Job, call: dict, cut: bool) -> TrialResult:
        tool = TOOLS[call["tool"]]
        with (job.folder / "stdout.log").open("w") as log:

            def note(point: SearchPoint) -> None:
                log.write(point.model_dump_json() + "\n")
                log.flush()
                if cut and point.evaluation % 5 == 0:
                    log.write('{"evaluation": 99')
                    raise PowerCut

            bench = Bench(
                seed=call.get("seed", 0),
                models={role: _model(job, role) for role in call["roles"]},
                tasks={name: _view(job.inputs["tasks"], name) for name in call["tasks"]},
                work=job.folder,
                journal=tuple(SearchPoint(**point) for point in call.get("journal", ())),
                note=note,
                apart=call["step"] == "make",
            )
            function = tool.answer.function if call["step"] == "answer" else tool.function
            result = function(tool.check(call["arguments"]), bench)
        if cut:
            raise PowerCut
        return result


def _model(job: Job, role: str) -> Path:
    """The folder of a checkpoint, whether it is given whole or file by file."""
    whole = job.inputs.get(f"models/{role}")
    if whole is not None:
        return whole
    return next(
        path for name, path in job.inputs.items() if name.startswith(f"models/{role}/")
    ).parent


def _view(folder: Path, name: str) -> TaskView:
    body = json.loads((folder / f"{name}.json").read_text())
    return TaskView(
        name=name,
        kind=body["kind"],
        dev=tuple(Item(i["prompt"], i["answer"]) for i in body["dev"]),
        test=tuple(Question(i["prompt"]) for i in body["test"]),
    )


def _outcome(job: Job, verdict: str, limit: str = "", stderr: str = "") -> Outcome:
    return Outcome(
        job=job.id,
        verdict=verdict,
        limit=limit,
        reason="" if verdict == "ok" else f"it {verdict} {limit}".strip(),
        exit_code=0 if verdict == "ok" else 1,
        wall_s=0.5,
        cpu_s=0.25,
        memory_peak_bytes=1000,
        isolation="threads",
        stderr_tail=stderr,
    )


def use_small_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the small tools in the place of the real ones."""
    monkeypatch.setattr("tools.tool.all_tools", lambda: TOOLS)
    monkeypatch.setattr("tools.roster.code_digest", lambda: "c" * 64)


def arms(*names: str) -> tuple[Arm, ...]:
    known = {
        "left": Arm(name="left", label="left", tool="evaluate", arguments={"role": "left"}),
        "right": Arm(name="right", label="right", tool="evaluate", arguments={"role": "right"}),
        "uniform": Arm(name="uniform", label="uniform", tool="merge"),
        "grid": Arm(name="grid", label="grid", tool="search", arguments={"strategy": "grid"}),
        "random": Arm(
            name="random", label="random", tool="search", arguments={"strategy": "random"}
        ),
        "evolved": Arm(name="evolved", label="evolved", tool="search"),
        "tuned": Arm(name="tuned", label="tuned", tool="finetune", arguments={"role": "left"}),
    }
    return tuple(known[name] for name in names or known)


def plan(
    *names: str,
    treatment: str = "evolved",
    control: tuple[str, ...] = ("left", "right"),
    seeds: tuple[int, ...] = (1, 2, 3),
    hypothesis: str = "h1",
    **test,
) -> Experiment:
    facts = {"predicted_effect": 0.1, "alpha": 0.2, "family_size": 1, **test}
    return Experiment(
        hypothesis=hypothesis,
        subject="small",
        arms=arms(*names),
        seeds=seeds,
        test=PairedTest(
            treatment=Side(label=treatment, arms=(treatment,), tasks=("next",)),
            control=Side(label="best parent", arms=control, tasks=("next",)),
            **facts,
        ),
    )


def open_ledger(folder: Path, *hypotheses: str) -> Ledger:
    folder.mkdir(parents=True, exist_ok=True)
    ledger = Ledger(folder / "ledger.jsonl")
    for round_, name in enumerate(hypotheses or ("h1",)):
        ledger.append(
            HypothesisLine(
                id=name,
                family="f",
                title="t",
                statement="s",
                rationale="r",
                prediction="p",
                refuted_by="q",
                round=round_,
            )
        )
    return ledger


def shop(folder: Path, ledger: Ledger, executor: ThreadExecutor, **more) -> Workshop:
    return Workshop(executor=executor, ledger=ledger, folder=folder, **more)
