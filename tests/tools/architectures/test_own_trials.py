"""Trials with a block that was brought: in fresh sandboxes, matched, scored outside."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sandbox.backend import find_backend
from sandbox.errors import BadInput, PlanRefused
from sandbox.executors.local import LocalExecutor
from sandbox.job import Job
from sandbox.ledger import Ledger
from sandbox.outcome import Outcome
from sandbox.records import EvidenceLine, FailureLine, HypothesisLine, TrialLine
from tests.tools.architectures import own_blocks as files
from tools import roster
from tools.architectures.own_block import OwnBlock, read_own_block
from tools.architectures.subject import ArchitectureSuite
from tools.conduct import conduct
from tools.experiment import Arm, Experiment, PairedTest, Side
from tools.freeze import freeze
from tools.tasks.asked import items_of
from tools.tasks.sequence import find_sequence_task
from tools.workshop import Workshop

pytestmark = pytest.mark.slow
SECRET = "5ec2e7" * 5 + "00"


@dataclass
class Watched:
    """An executor that remembers its jobs."""

    inner: LocalExecutor
    slots: int = 2
    jobs: list[Job] = field(default_factory=list)

    def submit(self, job: Job) -> Future[Outcome]:
        self.jobs.append(job)
        return self.inner.submit(job)

    def cancel(self) -> None:
        self.inner.cancel()


@pytest.fixture
def executor() -> Iterator[Watched]:
    backend = find_backend("bubblewrap")
    with LocalExecutor(backend, 2) as inner:
        yield Watched(inner)
    backend.close()


def arm(name: str, block: str, digest: str = "", like: str = "") -> Arm:
    def body(mixer: str) -> dict[str, object]:
        return {"width": 8, "layers": [{"mixer": {"block": mixer}}]}

    arguments: dict[str, object] = {"architecture": body(block), "task": "mqar", "steps": 2}
    arguments |= {"rates": [0.01], "batch": 4}
    if digest:
        arguments["own_blocks"] = {block: digest}
    if like:
        arguments["match"] = {"quantity": "parameters", "like": body(like)}
    return Arm.model_validate(
        {"name": name, "label": name, "tool": "train_architecture", "arguments": arguments}
    )


def conducted(
    run: Path, subject: ArchitectureSuite, own: Arm, executor: Watched, change: Path | None = None
) -> Ledger:
    """One seed of the arm against linear attention. change: a file to change once frozen."""
    ledger = Ledger(run / "ledger.jsonl")
    said = dict.fromkeys(("title", "statement", "rationale", "prediction", "refuted_by"), "")
    ledger.append(HypothesisLine(id="h", family="own_block", round=1, **said))
    control = arm("control", "linear_attention")
    sides = [Side(label=a.name, arms=(a.name,), tasks=("mqar",)) for a in (own, control)]
    test = PairedTest(
        treatment=sides[0], control=sides[1], predicted_effect=0.1, alpha=0.6, family_size=1
    )
    plan = Experiment(
        hypothesis="h", subject=subject.name, arms=(own, control), seeds=(20,), test=test
    )
    freeze(plan, subject, ledger, run)
    if change is not None:
        change.write_text(change.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    conduct([plan], subject, Workshop(executor=executor, ledger=ledger, folder=run))
    return ledger


def suite(*blocks: OwnBlock) -> ArchitectureSuite:
    return ArchitectureSuite("quick", ["mqar"], SECRET, blocks)


def test_a_block_is_trained_in_a_fresh_sandbox_and_scored_outside(
    tmp_path: Path, executor: Watched
) -> None:
    block = read_own_block(files.HONEST)
    own = arm("own", block.name, block.digest, like="linear_attention")
    subject = suite(block)
    ledger = conducted(tmp_path, subject, own, executor)
    trials = {line.arm: line for line in ledger.lines(TrialLine)}
    assert {line.status for line in trials.values()} == {"ok"}, trials
    jobs = {job.id: job for job in executor.jobs}
    mine, other = jobs[trials["own"].id], jobs[trials["control"].id]
    answers = [jobs[f"{trials['own'].id}-answers-{number}"] for number in (1, 2)]
    others = jobs[f"{trials['control'].id}-answers-1"]
    assert {job.policy.trust for job in (mine, *answers)} == {"untrusted"}
    assert {job.policy.trust for job in (other, others)} == {"builtin"}
    assert len(jobs) == 5
    for job in (mine, *answers):
        assert job.inputs["blocks/fading_memory.py"] == block.file
    assert not any(name.startswith("blocks/") for name in (*other.inputs, *others.inputs))
    for job in answers:
        assert_it_sees_inputs_only(job)
    spec = json.loads((mine.folder / "job.json").read_text(encoding="utf-8"))
    assert spec["files"] == {"blocks/fading_memory.py": block.digest}
    counts = {e.arm: e.value for e in ledger.lines(EvidenceLine) if e.metric == "parameters"}
    assert counts["own"] == pytest.approx(counts["control"], rel=0.05)
    assert {e.arm for e in ledger.lines(EvidenceLine) if e.split == "test"} == {"own", "control"}
    assert json.loads(shown(mine)["mqar.json"])["test"] == []
    assert_the_seed_does_not_tell_the_test(answers)


def shown(job: Job) -> dict[str, str]:
    """Every text that the job can read, by the name of its file."""
    files = [path for root in job.inputs.values() for path in (root, *root.rglob("*"))]
    return {
        path.name: path.read_text(encoding="utf-8", errors="replace")
        for path in files
        if path.is_file()
    }


def assert_it_sees_inputs_only(job: Job) -> None:
    """Weights, architecture, questions, the block: no seed, no answer, no data of a training."""
    texts = shown(job)
    assert sorted(texts) == [
        "architecture.json", "call.json", "fading_memory.py", "model.safetensors", "mqar.json",
    ]  # fmt: skip
    call = json.loads(texts["call.json"])
    assert sorted(call) == ["arguments", "roles", "step", "tasks", "tool"]
    view = json.loads(texts["mqar.json"])
    assert view["dev"] == []
    assert all(sorted(question) == ["choices", "prompt"] for question in view["test"])


def assert_the_seed_does_not_tell_the_test(jobs: list[Job]) -> None:
    """Nothing that a trial sees holds the secret, and what the seed alone draws is not asked."""
    task = find_sequence_task("mqar")
    dev, drawn = (items_of(task.data(part, 20, task.sizes["quick"])) for part in ("dev", "test"))
    texts = [text for job in jobs for text in shown(job).values()]
    asked = [json.loads(shown(job)["mqar.json"])["test"] for job in jobs]
    prompts = [question["prompt"] for one in asked for question in one]
    assert len(set(prompts)) == len(prompts) > len(dev) + len(drawn)
    assert not set(prompts) & {item.prompt for item in drawn}
    assert {item.prompt for item in dev} <= set(prompts)
    assert not [text for text in texts if SECRET in text]


def test_a_block_that_looks_ahead_only_when_it_is_asked_fails_its_trial(
    tmp_path: Path, executor: Watched
) -> None:
    body = "return self.out(x if self.training else x + x.mean(1, keepdim=True))"
    block = read_own_block(files.written(tmp_path, "turncoat", body))
    ledger = conducted(tmp_path, suite(block), arm("own", block.name, block.digest), executor)
    trials = {line.arm: line for line in ledger.lines(TrialLine)}
    assert trials["control"].status == "ok"
    assert trials["own"].status == "failed"
    assert "the trained model looks ahead" in trials["own"].reason
    assert not [e for e in ledger.lines(EvidenceLine) if e.arm == "own"]


WARY = """
frame, examined = torch.sys._getframe(), len(x) <= 32 or self.training
while frame is not None:
    examined = examined or frame.f_code.co_name in ("check_blind", "fit", "broken_laws")
    frame = frame.f_back
answering = torch.os.path.exists("/job/inputs/models/made")
return self.out(x if examined or not answering else x + 9 * x.roll(-1, 1))
"""
"""Knows an examination by its size, by who calls and by the files around it, and behaves."""


def test_a_block_that_reads_ahead_only_where_nobody_examines_it_fails_its_trial(
    tmp_path: Path, executor: Watched
) -> None:
    block = read_own_block(files.written(tmp_path, "wary", WARY))
    ledger = conducted(tmp_path, suite(block), arm("own", block.name, block.digest), executor)
    trials = {line.arm: line for line in ledger.lines(TrialLine)}
    assert trials["control"].status == "ok"
    assert trials["own"].status == "failed"
    assert re.search("looks ahead: [0-9]+ of [0-9]+ answers changed", trials["own"].reason)
    assert not [e for e in ledger.lines(EvidenceLine) if e.arm == "own"]


def test_a_block_that_never_ends_in_training_is_killed_and_the_limit_is_named(
    tmp_path: Path, executor: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = "while len(x) == 4:  # the batch of the training, not that of the laws\n    pass\n"
    block = read_own_block(files.written(tmp_path, "endless", f"{body}return self.out(x)"))
    monkeypatch.setattr(roster, "_LEAST_CPU_S", 8.0)
    ledger = conducted(tmp_path, suite(block), arm("own", block.name, block.digest), executor)
    trials = {line.arm: line for line in ledger.lines(TrialLine)}
    assert trials["control"].status == "ok"
    assert (trials["own"].status, trials["own"].limit) == ("killed", "cpu")
    assert [line.trial for line in ledger.lines(FailureLine)] == [trials["own"].id]


def test_a_plan_may_only_name_blocks_that_the_topic_brings(
    tmp_path: Path, executor: Watched
) -> None:
    block = read_own_block(files.HONEST)
    for subject, digest in ((suite(), block.digest), (suite(block), "0" * 64)):
        with pytest.raises(PlanRefused, match="'fading_memory' that the run does not have"):
            conducted(tmp_path, subject, arm("own", block.name, digest), executor)
    assert executor.jobs == []


def test_a_file_that_changes_after_its_plan_was_frozen_is_not_run(
    tmp_path: Path, executor: Watched
) -> None:
    file = files.written(tmp_path, "straight")
    block = read_own_block(file)
    with pytest.raises(BadInput, match="was changed since its plan was made"):
        conducted(tmp_path, suite(block), arm("own", block.name, block.digest), executor, file)
    assert executor.jobs == []
