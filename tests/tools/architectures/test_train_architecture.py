"""The tool that trains an architecture: what it is asked, what it answers, what it reports."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from sandbox.backend import find_backend
from sandbox.errors import BadInput, PlanRefused
from sandbox.executors.local import LocalExecutor
from sandbox.job import Job
from sandbox.ledger import Ledger
from sandbox.policy import Policy
from sandbox.records import EvidenceLine, FailureLine, TrialLine
from tests.tools.architectures.small_recall import attention
from tests.tools.small_world import (
    TOOLS,
    SmallSubject,
    ThreadExecutor,
    evaluate,
    open_ledger,
    plan,
    shop,
)
from tools import worker
from tools.architectures.architecture import Architecture
from tools.architectures.exam import Exam
from tools.architectures.new_backbone import drawn
from tools.architectures.objective import find_objective
from tools.architectures.subject import ArchitectureSuite
from tools.architectures.train import _Training
from tools.conduct import conduct
from tools.experiment import Arm, Experiment, PairedTest, Side
from tools.freeze import METRICS, freeze
from tools.measures import MEASURES, wrong_measure
from tools.roster import roster
from tools.tasks.asked import batch_of, items_of
from tools.tasks.sequence import Size, find_sequence_task
from tools.tasks.task import Question, TaskView
from tools.tasks.variation import varied
from tools.tool import find_tool
from tools.trial import TrialResult
from tools.trial_folder import TrialFolder

pytestmark = pytest.mark.slow

SMALL = {"length": 16, "vocabulary": 16, "pairs": 2, "train": 256, "dev": 16, "test": 24}
CALL = {
    "architecture": attention(16, layers=1).model_dump(mode="json"),
    "task": "mqar",
    "changes": SMALL,
    "rates": [1e-3, 5e-3, 1e4],
    "steps": 30,
    "batch": 32,
}


COUNTED = {
    "parameters",
    "active_parameters",
    "state_floats",
    "state_bytes",
    "flops_per_token",
    "training_flops_per_token",
    "forward_bytes",
    "training_bytes",
    "training_flops",
    "training_steps",
    "training_tokens",
    "training_s",
    "learning_rate",
    "rates_tried",
    "rates_diverged",
    "diverged",
    "plateau_steps",
    "train_loss",
    "dev_accuracy",
    "dev_loss",
}
"""What every training reports; other measures are of speed and of teachers."""


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def size_of(task: str, changes: dict[str, float]) -> Size:
    return varied(find_sequence_task(task).sizes["quick"], changes)


def view_of(task: str, changes: dict[str, float], seed: int) -> TaskView:
    """As a trial sees it: the test without its answers."""
    size = size_of(task, changes)
    drawn_from = find_sequence_task(task)
    dev, test = (items_of(drawn_from.data(part, seed, size)) for part in ("dev", "test"))
    return TaskView(task, "exact_match", dev, tuple(Question(item.prompt) for item in test))


def inputs(root: Path, seed: int = 1, **changes: object) -> Path:
    folder = root / "inputs"
    (folder / "tasks").mkdir(parents=True, exist_ok=True)
    arguments = CALL | changes
    task = str(arguments["task"])
    view = view_of(task, arguments["changes"], seed)
    (folder / "tasks" / f"{task}.json").write_text(json.dumps(asdict(view)))
    call = {"tool": "train_architecture", "arguments": arguments, "seed": seed, "tasks": [task]}
    (folder / "call.json").write_text(json.dumps(call))
    (root / "work").mkdir(exist_ok=True)
    return folder


def run(root: Path, seed: int = 1, **changes: object) -> TrialResult:
    worker.main(inputs(root, seed, **changes), root / "work")
    return TrialResult.model_validate_json((root / "work" / "result.json").read_bytes())


def test_a_trial_answers_dev_and_test_and_reports_its_costs(tmp_path: Path):
    result = run(tmp_path)
    said = result.predictions["mqar"]
    assert [len(said[split]) for split in ("dev", "test")] == [16, 24]
    assert all(len(answer.split()) == 2 for answer in said["test"])
    assert COUNTED <= set(result.measures) <= set(MEASURES)
    assert result.measures["learning_rate"] == 5e-3
    assert result.measures["rates_tried"] == 3
    weights = 4 * result.measures["parameters"]
    assert 0 < result.measures["forward_bytes"] < result.measures["training_bytes"]
    assert result.measures["training_bytes"] > weights, "gradients are as large as the weights"
    assert result.measures["rates_diverged"] == 1
    assert result.measures["training_tokens"] == 30 * 32 * 16
    assert result.steps == 30
    assert result.notes[2] == "rate 10000: diverged after 10 steps, " + result.notes[2][-19:]
    dev = items_of(find_sequence_task("mqar").data("dev", 1, size_of("mqar", SMALL)))
    pairs = [(a, b.answer) for a, b in zip(said["dev"], dev, strict=True)]
    right = sum(x == y for a, b in pairs for x, y in zip(a.split(), b.split(), strict=True))
    assert result.measures["dev_accuracy"] == right / 32


def test_a_trial_repeated_says_the_same_and_another_seed_something_else(tmp_path: Path):
    one, again, other = (
        run(tmp_path / name, seed, rates=[5e-3], steps=10)
        for name, seed in [("one", 1), ("again", 1), ("other", 2)]
    )
    timeless = {"training_s": 0.0}
    assert one.model_copy(update={"measures": one.measures | timeless}) == again.model_copy(
        update={"measures": again.measures | timeless}
    )
    assert one.predictions != other.predictions


def test_a_training_may_have_a_budget_of_processor_time(tmp_path: Path):
    result = run(tmp_path, seconds=0.5, rates=[5e-3])
    assert 0.5 <= result.measures["training_s"] < 5.0
    assert result.measures["training_steps"] != CALL["steps"]
    estimate = find_tool("train_architecture").cost_s
    assert estimate(CALL | {"seconds": 4.0}) == 3 * 4.0


def test_what_thinks_in_ticks_is_not_taught_for_a_time():
    call = CALL | {"architecture": {"thinker": "machine", "ticks": 4}, "seconds": 1.0}
    with pytest.raises(BadInput, match="give steps"):
        find_tool("train_architecture").check(call)


def test_an_architecture_is_brought_to_the_wanted_size_and_says_so(tmp_path: Path):
    wanted = {"quantity": "parameters", "target": 5200}
    result = run(tmp_path, match=wanted, rates=[1e-3], steps=2)
    assert result.measures["parameters"] == pytest.approx(5200, rel=0.05)
    assert result.notes[0].startswith("matched parameters: ")


def test_an_architecture_is_brought_to_the_size_of_another(tmp_path: Path):
    like = attention(24, layers=1).model_dump(mode="json")
    found = run(tmp_path, match={"quantity": "parameters", "like": like}, rates=[1e-3], steps=2)
    other = run(tmp_path, architecture=like, rates=[1e-3], steps=2)
    assert found.measures["parameters"] == pytest.approx(other.measures["parameters"], rel=0.05)


@pytest.mark.parametrize("match", [{}, {"target": 5200.0, "like": CALL["architecture"]}])
def test_a_match_has_one_aim(match):
    arguments = {**CALL, "match": {"quantity": "parameters", **match}}
    with pytest.raises(BadInput, match="either a target or an architecture"):
        find_tool("train_architecture").check(arguments)


def test_the_first_estimate_of_a_call_follows_its_steps_rates_and_size():
    def estimate(**changes: object) -> float:
        return find_tool("train_architecture").cost_s({**CALL, **changes})

    assert estimate(steps=60) == pytest.approx(2 * estimate())
    assert estimate(rates=[1e-3]) == pytest.approx(estimate() / 3)
    deep, wide = attention(16, layers=3), attention(64, layers=1)
    assert estimate(architecture=deep.model_dump(mode="json")) > estimate()
    assert estimate(architecture=wide.model_dump(mode="json")) > estimate()
    assert estimate(changes={**SMALL, "length": 64}) > estimate()
    assert find_tool("evaluate").cost_s({"role": "x"}) == find_tool("evaluate").cpu_s


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rates": [1e-3, 2e-3]}, "2 learning rates are too few"),
        ({"optimizer": "muonn"}, "unknown optimizer 'muonn'"),
        ({"objective": {"name": "nothing"}}, "unknown objective 'nothing'"),
        ({"objective": {"name": "masked_diffusion"}, "architecture": "plain"}, "fills in hidden"),
        ({"changes": {"pears": 3}}, "a size has no 'pears'"),
        ({"match": {"quantity": "state", "target": 7}}, "within 5% of 7 state"),
        ({"architecture": {"layers": [{"mixer": {"block": "no"}}]}}, "unknown block 'no'"),
    ],
)
def test_a_wrong_call_is_one_sentence(tmp_path: Path, changes, words):
    if changes.get("architecture") == "plain":
        plain = attention(16, layers=1, convolution=0)
        changes = changes | {"architecture": plain.model_dump(mode="json")}
    folder = inputs(tmp_path)
    call = json.loads((folder / "call.json").read_text())
    call["arguments"] |= changes
    (folder / "call.json").write_text(json.dumps(call))
    with pytest.raises(BadInput, match=words):
        worker.main(folder, tmp_path / "work")
    assert not (tmp_path / "work" / "result.json").exists()


def test_a_task_that_the_subject_has_not_is_refused(tmp_path: Path):
    folder = inputs(tmp_path)
    call = json.loads((folder / "call.json").read_text())
    call["tasks"] = []
    (folder / "call.json").write_text(json.dumps(call))
    with pytest.raises(BadInput, match="unknown task 'mqar'"):
        worker.main(folder, tmp_path / "work")


def test_arguments_are_checked_without_loading_torch(tmp_path: Path):
    code = (
        "import sys; from tools.actions.train_architecture import train_architecture; "
        "from tools.tool import find_tool; find_tool('train_architecture').schema(); "
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, env=os.environ)
    assert done.returncode == 0


def exam_of(name: str, **changes: float) -> tuple[Exam, torch.nn.Module]:
    task, size = find_sequence_task(name), size_of(name, changes)
    exam = Exam.of(task, size, task.data("train", 0, size, 8))
    aim = find_objective("next_token").make()
    made = Architecture.model_validate(
        {"width": 16, "layers": [{"mixer": {"block": "softmax_attention"}}]}
    )
    return exam, drawn(lambda: exam.candidate(aim, made), 0).eval()


@pytest.mark.parametrize("name", ["life", "grid_world"])
@pytest.mark.parametrize("rollout", [1, 3])
def test_a_world_model_goes_on_from_its_own_answers(name, rollout):
    exam, model = exam_of(name, rollout=rollout)
    dev = exam.task.data("dev", 0, exam.size, 8)
    items = items_of(dev)
    said = exam.predictions(model, items)
    assert all(len(a.split()) == len(b.answer.split()) for a, b in zip(said, items, strict=True))
    fit = exam.fit(model, batch_of(items))
    right = sum(
        x == y
        for a, b in zip(said, items, strict=True)
        for x, y in zip(a.split(), b.answer.split(), strict=True)
    )
    assert fit.accuracy == pytest.approx(right / sum(len(i.answer.split()) for i in items))


def test_compression_is_read_through_the_last_position_alone():
    exam, model = exam_of("compression")
    tokens = torch.randint(0, 15, (2, 8))
    before = model(tokens)
    assert before.shape == (2, 8, 16)
    hidden = []
    watch = model.backbone.norm.register_forward_hook(lambda *call: hidden.append(call[-1]))
    model(tokens)
    watch.remove()
    moved = hidden[0].clone()
    moved[:, :-1] += 1.0
    change = model.backbone.norm.register_forward_hook(lambda *call: moved)
    assert torch.equal(model(tokens), before)
    change.remove()
    assert exam.fit(model, exam.task.data("dev", 0, exam.size, 8)).accuracy < 0.5


def test_a_task_in_bits_is_answered_with_a_distribution():
    from tools.tasks.sequence_score import measure_bits

    exam, model = exam_of("text", length=16)
    dev = exam.task.data("dev", 0, exam.size, 4)
    items = items_of(dev)
    bits = measure_bits(exam.predictions(model, items), items, exam.size.classes)
    assert bits.tokens == sum(len(item.answer.split()) for item in items)
    assert bits.mean * 0.6931 == pytest.approx(exam.fit(model, dev).cross_entropy, rel=1e-2)
    with torch.no_grad():
        model.head.weight.fill_(float("nan"))
    lost = measure_bits(exam.predictions(model, items), items, exam.size.classes)
    assert 2**lost.mean == pytest.approx(exam.size.classes)


def test_a_model_that_sees_the_answers_may_not_take_part():
    exam, _ = exam_of("text", length=16)
    seeing = Architecture.model_validate(
        {"width": 16, "layers": [{"mixer": {"block": "bidirectional_attention"}}]}
    )
    with pytest.raises(BadInput, match="sees later tokens"):
        exam.candidate(find_objective("next_token").make(), seeing)


def _measuring(measures: dict[str, float]):
    def tool(arguments, bench):
        """Evaluate, and report measures."""
        return evaluate(arguments, bench).model_copy(update={"measures": measures})

    return tool


def _conducted(folder: Path, monkeypatch: pytest.MonkeyPatch, measures: dict[str, float]):
    changed = replace(TOOLS["evaluate"], function=_measuring(measures))
    monkeypatch.setitem(TOOLS, "evaluate", changed)
    subject, ledger, experiment = SmallSubject(), open_ledger(folder), plan()
    freeze(experiment, subject, ledger, folder)
    conduct([experiment], subject, shop(folder, ledger, ThreadExecutor()))
    return ledger


def test_measures_become_evidence_with_their_units(tmp_path, monkeypatch, small_tools):
    given = {"parameters": 12640.0, "learning_rate": 3e-3, "train_loss": 0.25, "diverged": 0.0}
    ledger = _conducted(tmp_path, monkeypatch, given)
    found = [e for e in ledger.lines(EvidenceLine) if e.metric in given and e.arm == "left"]
    assert len(found) == 3 * len(given)
    for line in found:
        known = MEASURES[line.metric]
        assert (line.value, line.unit, line.better) == (
            given[line.metric],
            known.unit,
            known.better,
        )
        assert (line.task, line.split, line.items) == ("next", "dev", 1)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("accuracy", 1.0, "'accuracy' is not one of the known measures"),
        ("parameters", -1.0, "parameters is negative or too large"),
        ("parameters", 1.5, "parameters is not whole"),
        ("dev_accuracy", 1.5, "dev_accuracy is no fraction"),
        ("train_loss", 1e30, "train_loss is negative or too large"),
        ("train_loss", 2.5, ""),
    ],
)
def test_a_measure_has_a_known_name_and_a_possible_value(name, value, words):
    assert wrong_measure(name, value) == words


def test_a_measure_that_cannot_be_is_a_failed_trial(tmp_path, monkeypatch, small_tools):
    ledger = _conducted(tmp_path, monkeypatch, {"parameters": 12.0, "speed": 3.0})
    failed = [t for t in ledger.lines(TrialLine) if t.status == "failed" and t.tool == "evaluate"]
    assert len(failed) == 6
    assert all("measures: 'speed' is not one" in t.reason for t in failed)
    assert {f.trial for f in ledger.lines(FailureLine)} == {t.id for t in failed}
    assert not [e for e in ledger.lines(EvidenceLine) if e.trial in {t.id for t in failed}]


def test_a_plan_may_test_a_measure_but_not_pick_the_best_of_costs(tmp_path, small_tools):
    tested = {name for name, measure in MEASURES.items() if measure.tested}
    assert tested == set(METRICS) & set(MEASURES)
    ledger, subject = open_ledger(tmp_path), SmallSubject()
    experiment = plan(metric="parameters")
    with pytest.raises(PlanRefused, match="counted once per trial"):
        freeze(experiment, subject, ledger, tmp_path)


def test_what_an_interrupted_worker_kept_is_gone_on_with(tmp_path: Path, monkeypatch) -> None:
    whole = run(tmp_path / "whole")
    folder, work = inputs(tmp_path), tmp_path / "work"
    with monkeypatch.context() as patched:
        patched.setattr(_Training, "_step", _cut_at(30 + 24, _Training._step))
        with pytest.raises(PowerCut):
            worker.main(rewritten(folder, keep_s=1e-9), work)
    assert sorted(file.suffix for file in (work / "kept").iterdir()) == [".safetensors"] * 2
    (work / "kept").rename(folder / "kept")
    steps = _cut_at(0, _Training._step)
    monkeypatch.setattr(_Training, "_step", steps)
    worker.main(rewritten(folder, keep_s=1e-9, goes_on=True), work)
    resumed = TrialResult.model_validate_json((work / "result.json").read_bytes())
    assert steps.calls == 10 + 10, "the rest of the second rate, and the third, which diverges"
    assert resumed.predictions == whole.predictions
    assert resumed.notes == whole.notes
    assert [file.name for file in work.iterdir()] == ["result.json"]


class PowerCut(Exception):
    """The machine stops."""


def _cut_at(call: int, step: Callable[[_Training], torch.Tensor]):
    """The step, counted, and cut at that call."""

    def counted(training: _Training) -> torch.Tensor:
        counted.calls += 1
        if counted.calls == call:
            raise PowerCut
        return step(training)

    counted.calls = 0
    return counted


def rewritten(folder: Path, **changes: object) -> Path:
    """The inputs, with these fields of the call."""
    call = json.loads((folder / "call.json").read_text())
    (folder / "call.json").write_text(json.dumps(call | changes))
    return folder


def test_a_run_that_was_stopped_goes_on_within_a_training(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("tools.steps.KEEP_S", 1e-9)
    suite = ArchitectureSuite("quick", ["mqar"], secret="s")
    experiment = two_trainings(steps=600)
    ledger = open_ledger(tmp_path, experiment.hypothesis)
    freeze(experiment, suite, ledger, tmp_path)
    waits, folders = 2.0, [TrialFolder(tmp_path, t.id) for t in roster([experiment], suite)]
    while not any(folder.kept.is_dir() for folder in folders):
        assert not ledger.lines(TrialLine), "a trial ended before it was stopped"
        conduct_for(waits, experiment, suite, tmp_path, ledger)
        waits *= 1.5
    stopped = [folder for folder in folders if folder.kept.is_dir()]
    conduct_for(600.0, experiment, suite, tmp_path, ledger)
    lines = {line.id: line for line in ledger.lines(TrialLine)}
    assert {line.status for line in lines.values()} == {"ok"}
    claimed = {e.trial for e in ledger.lines(EvidenceLine) if e.metric == "cpu_s"}
    for folder in stopped:
        assert json.loads(folder.call.read_text())["goes_on"]
        assert folder.ending().resumed
        assert folder.path.name not in claimed, "the cost of a part is not the cost of the whole"
    assert not any(folder.kept.exists() for folder in folders)
    fresh = open_ledger(tmp_path / "fresh", experiment.hypothesis)
    freeze(experiment, suite, fresh, tmp_path / "fresh")
    conduct_for(600.0, experiment, suite, tmp_path / "fresh", fresh)
    assert scores(ledger) == scores(fresh)


def scores(ledger: Ledger) -> dict[str, float]:
    return {e.id: e.value for e in ledger.lines(EvidenceLine) if e.metric == "accuracy"}


def conduct_for(
    seconds: float,
    experiment: Experiment,
    suite: ArchitectureSuite,
    folder: Path,
    ledger: Ledger,
) -> None:
    """Conduct in the real sandbox, stopped after so long as by a person."""
    with LocalExecutor(find_backend("bubblewrap"), 1) as executor:
        work = shop(folder, ledger, executor)
        timer = threading.Timer(seconds, work.stop.set)
        timer.start()
        conduct([experiment], suite, work)
        timer.cancel()


def two_trainings(steps: int) -> Experiment:
    """One seed of two small models."""
    calls = {"trained": attention(16, layers=1), "other": attention(24, layers=1)}
    arms = [
        Arm(
            name=name,
            label=name,
            tool="train_architecture",
            arguments={
                "architecture": body.model_dump(mode="json"),
                "task": "mqar",
                "rates": [5e-3],
                "steps": steps,
                "batch": 32,
            },
        )
        for name, body in calls.items()
    ]
    test = PairedTest(
        treatment=Side(label="trained", arms=("trained",), tasks=("mqar",)),
        control=Side(label="other", arms=("other",), tasks=("mqar",)),
        null_effect=0.0,
        predicted_effect=0.05,
        alpha=0.6,
        family_size=1,
    )
    return Experiment(
        hypothesis="h1", subject="architectures", arms=tuple(arms), seeds=(1,), test=test
    )


@pytest.mark.slow
@pytest.mark.parametrize("body", [CALL["architecture"], {"family": "llama", "width": 16}])
def test_a_trial_runs_in_the_real_sandbox(tmp_path: Path, body):
    folder = inputs(tmp_path, architecture=body, rates=[5e-3], steps=5)
    job = Job(
        id="trained",
        command=(sys.executable, "-P", "-m", "tools.worker", "{inputs}", "{work}"),
        folder=tmp_path / "job",
        inputs={"call.json": folder / "call.json", "tasks": folder / "tasks"},
        policy=Policy(trust="builtin", wall_s=120.0, memory_bytes=4 << 30),
        warm="tools.worker:main",
    )
    with LocalExecutor(find_backend("bubblewrap"), 1) as executor:
        outcome = executor.submit(job).result()
    assert outcome.verdict == "ok", outcome.reason
    result = TrialResult.model_validate_json((tmp_path / "job" / "result.json").read_bytes())
    here = run(tmp_path / "here", architecture=body, rates=[5e-3], steps=5)
    assert result.predictions == here.predictions


def test_the_tool_is_declared():
    tool = find_tool("train_architecture")
    assert tool.place == "sandbox"
    normal = tool.normal({"architecture": CALL["architecture"], "task": "mqar"})
    assert normal["rates"] == [1e-3, 3e-3, 1e-2]
    with pytest.raises(BadInput, match="train_architecture: steps"):
        tool.check(CALL | {"steps": 0})
