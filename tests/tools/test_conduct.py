"""Conducting experiments with tools that are real and small."""

import json
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.ledger import Ledger
from sandbox.records import CostLine, DeviationLine, EvidenceLine, FailureLine, TrialLine
from tests.tools.small_world import (
    PowerCut,
    SmallSubject,
    ThreadExecutor,
    open_ledger,
    plan,
    shop,
    use_small_tools,
)
from tools.conduct import conduct
from tools.freeze import freeze
from tools.roster import cost_s, roster
from tools.trial_folder import TrialFolder

SUBJECT = SmallSubject()
pytestmark = pytest.mark.usefixtures("small_tools")


def _values(ledger: Ledger) -> dict[str, float]:
    return {e.id: e.value for e in ledger.lines(EvidenceLine) if e.metric != "cpu_s"}


def _conducted(folder, experiment=None, executor=None, **more) -> Ledger:
    experiment = experiment or plan()
    ledger = open_ledger(folder)
    freeze(experiment, SUBJECT, ledger, folder)
    conduct([experiment], SUBJECT, shop(folder, ledger, executor or ThreadExecutor(), **more))
    return ledger


@dataclass(frozen=True)
class Done:
    """The whole plan, conducted without trouble. For reading, and for copies."""

    folder: Path
    ledger: Ledger
    executor: ThreadExecutor

    def copy(self, folder: Path) -> Path:
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return folder


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    folder, executor = tmp_path_factory.mktemp("done"), ThreadExecutor()
    with pytest.MonkeyPatch.context() as patch:
        use_small_tools(patch)
        return Done(folder, _conducted(folder, executor=executor), executor)


def _few():
    """A plan of two arms, for troubles that do not ask how many there are."""
    return plan("uniform", "left", treatment="uniform", control=("left",))


def test_every_arm_runs_once_for_every_seed_after_the_trainings_it_needs(done):
    ledger = done.ledger
    trials = ledger.lines(TrialLine)
    assert len(trials) == 3 * (3 + 7)
    assert {t.status for t in trials} == {"ok"}
    assert set(done.executor.runs.values()) == {1}
    for trial in trials:
        assert all(ledger.find(TrialLine, need) for need in trial.needs)
    assert len(ledger.lines(CostLine)) == len(trials)


def test_evidence_is_scored_outside_and_counted(done):
    ledger = done.ledger
    accuracy = [e for e in ledger.lines(EvidenceLine) if e.metric == "accuracy"]
    assert len(accuracy) == 3 * 7 * 2 * 2
    assert all(e.value == e.correct / e.items for e in accuracy)
    assert {e.items for e in accuracy if e.split == "test"} == {40}
    best = {e.metric for e in ledger.lines(EvidenceLine) if e.arm == "evolved"}
    assert {"best:1", "best:2", "best:5", "best:10", "best:12", "evaluations", "cpu_s"} <= best
    assert "coefficient:left/all" in best


def test_trials_never_see_a_held_out_answer(done):
    for file in (done.folder / "inputs").rglob("*.json"):
        assert all("answer" not in question for question in json.loads(file.read_text())["test"])
    assert len(list((done.folder / "inputs").iterdir())) == 3


def test_two_experiments_share_the_trials_that_they_have_in_common(tmp_path):
    first = plan()
    second = plan("evolved", "left", control=("left",), hypothesis="h2", null_effect=-0.1)
    ledger = open_ledger(tmp_path, "h1", "h2")
    for experiment in (first, second):
        freeze(experiment, SUBJECT, ledger, tmp_path)
    executor = ThreadExecutor()
    conduct([first, second], SUBJECT, shop(tmp_path, ledger, executor))
    assert len(ledger.lines(TrialLine)) == 30
    assert sum(executor.runs.values()) == 30


def test_the_roster_lists_seed_after_seed():
    seeds = [p.spec.seed for p in roster([plan()], SUBJECT)]
    assert seeds == sorted(seeds)


def test_one_slot_works_through_seed_after_seed(tmp_path):
    executor = ThreadExecutor(slots=1)
    _conducted(tmp_path, executor=executor)
    seeds = [int(step.split("/")[1]) for step in executor.order]
    assert seeds == sorted(seeds)
    assert executor.order[:4] == ["train/1", "train/1", "train/1", "search/1"]


@pytest.mark.slow
@pytest.mark.parametrize("cut", [0, 1, 3, 5, 6, 8, 13])
def test_a_resumed_round_gives_the_values_of_an_undisturbed_one(tmp_path, cut, done):
    folder, experiment = tmp_path, plan()
    ledger = open_ledger(folder)
    freeze(experiment, SUBJECT, ledger, folder)
    dying = ThreadExecutor(cut_at=cut)
    with pytest.raises(PowerCut):
        conduct([experiment], SUBJECT, shop(folder, ledger, dying))
    dying.pool.shutdown()
    finished = {t.id for t in ledger.lines(TrialLine)}
    again = Ledger(folder / "ledger.jsonl")
    second = ThreadExecutor()
    conduct([experiment], SUBJECT, shop(folder, again, second))
    assert not finished & set(second.runs)
    assert _values(again) == _values(done.ledger)


def test_a_search_goes_on_from_its_journal_and_its_cost_is_not_claimed(tmp_path):
    experiment = plan("evolved", "left", treatment="left", control=("evolved",))
    ledger = open_ledger(tmp_path)
    freeze(experiment, SUBJECT, ledger, tmp_path)
    dying = ThreadExecutor(slots=1, cut_at=2)
    with pytest.raises(PowerCut):
        conduct([experiment], SUBJECT, shop(tmp_path, ledger, dying))
    found = next(p for p in roster([experiment], SUBJECT) if p.arm == "evolved")
    with pytest.raises(PowerCut):
        conduct([experiment], SUBJECT, shop(tmp_path, ledger, ThreadExecutor(slots=1, cut_at=1)))
    assert len(TrialFolder(tmp_path, found.id).journal()) == 5
    conduct([experiment], SUBJECT, shop(tmp_path, ledger, ThreadExecutor()))
    call = json.loads(TrialFolder(tmp_path, found.id).call.read_text())
    assert [p["evaluation"] for p in call["journal"]] == [1, 2, 3, 4, 5]
    costs = {e.trial for e in ledger.lines(EvidenceLine) if e.metric == "cpu_s"}
    assert found.id not in costs
    assert ledger.find(TrialLine, found.id).status == "ok"


def test_a_trial_that_ended_before_a_crash_is_recorded_and_not_run_again(tmp_path, done):
    experiment, folder = plan(), done.copy(tmp_path)
    lines = (folder / "ledger.jsonl").read_text().splitlines(keepends=True)
    (folder / "ledger.jsonl").write_text("".join(lines[:40]))
    ledger = Ledger(folder / "ledger.jsonl")
    executor = ThreadExecutor()
    told = []
    conduct([experiment], SUBJECT, shop(folder, ledger, executor, watch=told.append))
    assert not executor.runs
    assert {event.what for event in told} == {"reused"}
    assert _values(ledger) == _values(done.ledger)


@pytest.mark.parametrize(
    ("trouble", "status", "words"),
    [
        ("fail", "failed", "ValueError: no[31m luck"),
        ("kill", "killed", "memory"),
        ("lie", "failed", "1 answers for next (test), not 40"),
        ("nothing", "failed", "no result.json"),
    ],
)
def test_a_failed_trial_is_kept_with_its_reason(tmp_path, trouble, status, words):
    ledger = _conducted(tmp_path, _few(), ThreadExecutor(sick={"merge": trouble}))
    merges = [t for t in ledger.lines(TrialLine) if t.tool == "merge"]
    assert [t.status for t in merges] == [status] * 3
    assert all(words in t.reason for t in merges)
    assert {f.trial for f in ledger.lines(FailureLine)} == {t.id for t in merges}
    assert len([t for t in ledger.lines(TrialLine) if t.status == "ok"]) == 3 * (3 + 1)


def test_what_needs_a_failed_training_fails_with_that_reason_and_is_not_dropped(tmp_path):
    executor = ThreadExecutor(sick={"train": "kill"})
    ledger = _conducted(tmp_path, executor=executor)
    trials = ledger.lines(TrialLine)
    assert len(trials) == 30
    assert sum(t.status == "killed" for t in trials) == 3
    reasons = {t.reason for t in trials if t.status == "failed"}
    assert reasons == {
        "needs train-start, which failed",
        "needs train-left, which failed",
        "needs train-right, which failed",
    }


def test_a_spent_budget_is_a_deviation_of_each_experiment(tmp_path):
    asked = []

    def reserve(planned, cpu_s):
        asked.append(cpu_s)
        return len(asked) <= 12

    told = []
    ledger = _conducted(tmp_path, reserve=reserve, watch=told.append)
    (deviation,) = ledger.lines(DeviationLine)
    assert deviation.what == "budget spent: 18 of 30 trials not run"
    assert len(ledger.lines(TrialLine)) == 12
    assert sum(event.what == "not run" for event in told) == 18
    assert asked[0] == 4.0
    assert asked[-1] == 0.25


def test_a_stopped_round_records_nothing_cancelled_and_goes_on_later(tmp_path):
    stop, executor = threading.Event(), ThreadExecutor()

    def watch(event):
        if event.what == "finished" and event.done == 4:
            stop.set()

    ledger = _conducted(tmp_path, executor=executor, stop=stop, watch=watch)
    assert 4 <= len(ledger.lines(TrialLine)) <= 6
    assert {t.status for t in ledger.lines(TrialLine)} == {"ok"}
    conduct([plan()], SUBJECT, shop(tmp_path, ledger, ThreadExecutor()))
    assert len(ledger.lines(TrialLine)) == 30


def test_trained_models_are_taken_from_the_cache_with_their_original_cost(tmp_path):
    cache = tmp_path / "cache"
    first = _conducted(tmp_path / "a", _few(), cache=cache)
    executor = ThreadExecutor()
    second = _conducted(tmp_path / "b", _few(), executor, cache=cache)
    assert not any(step.startswith("train") for step in executor.order)
    cached = [t for t in second.lines(TrialLine) if t.cached]
    assert len(cached) == 9
    assert {t.cpu_s for t in cached} == {0.25}
    spent = {c.what: c.cpu_s for c in second.lines(CostLine)}
    assert all(spent[f"trial {t.id}"] == 0 for t in cached)
    assert _values(first) == _values(second)


def test_a_damaged_model_in_the_cache_is_trained_again(tmp_path):
    cache = tmp_path / "cache"
    first = _conducted(tmp_path / "a", _few(), cache=cache)
    for file in cache.rglob("config.json"):
        file.write_text('{"skill": 9}')
    second = _conducted(tmp_path / "b", _few(), cache=cache)
    assert not any(t.cached for t in second.lines(TrialLine))
    assert _values(first) == _values(second)


def test_only_a_training_may_leave_a_model(done):
    for job in done.executor.jobs:
        tool = json.loads(job.inputs["call.json"].read_text())["tool"]
        outputs = {"train": ("result.json", "model/*")}.get(tool, ("result.json",))
        assert job.policy.outputs == outputs
        assert job.policy.trust == "builtin"


def test_the_estimated_cost_counts_what_is_not_there_yet(tmp_path, done):
    experiment = plan()
    ledger = open_ledger(tmp_path)
    per_seed = 3 * 4 + 2 * 1 + 1 + 3 * 6 + 2
    assert cost_s([experiment], SUBJECT, ledger) == 3 * per_seed
    assert cost_s([experiment], SUBJECT, ledger, scale=2) == 6 * per_seed
    assert cost_s([experiment], SUBJECT, done.ledger) == 0


def test_a_journal_is_read_as_hostile(tmp_path):
    folder = TrialFolder(tmp_path, "t")
    folder.path.mkdir(parents=True)
    lines = [
        "loading weights",
        '{"evaluation":1,"fitness":0.5,"best":0.5}',
        '{"evaluation":1,"fitness":0.9,"best":0.9}',
        '{"evaluation":2,"fitness":NaN,"best":0.5}',
        '{"evaluation":"2","fitness":0.6,"best":0.6}',
        '{"evaluation":2,"fitness":0.6,"best":0.6,"more":1}',
        '{"evaluation":2,"fitness":0.6,"best":0.6}',
        '{"evaluation":9,"fitness":0.6,"best":0.6}',
        '{"evaluation":3,"fitness":0.6,"best":0.6}',
    ]
    (folder.path / "stdout.log").write_text("\n".join(lines) + '\n{"evaluation":3')
    assert [(p.evaluation, p.fitness) for p in folder.journal()] == [(1, 0.5), (2, 0.6)]


def test_a_job_that_ended_while_the_harness_was_dying_is_not_run_again(tmp_path, done):
    folder = done.copy(tmp_path)
    for file in (folder / "trials").glob("*/ending.json"):
        file.unlink()
    head = (folder / "ledger.jsonl").read_text().splitlines(keepends=True)[:2]
    (folder / "ledger.jsonl").write_text("".join(head))
    executor, ledger = ThreadExecutor(), Ledger(folder / "ledger.jsonl")
    conduct([plan()], SUBJECT, shop(folder, ledger, executor))
    assert not executor.runs
    assert _values(ledger) == _values(done.ledger)


def test_a_result_that_was_changed_after_its_end_is_measured_again(tmp_path, done):
    done.copy(tmp_path)
    trial = next(t for t in done.ledger.lines(TrialLine) if t.arm == "uniform")
    TrialFolder(tmp_path, trial.id).result.write_text("{}")
    head = (tmp_path / "ledger.jsonl").read_text().splitlines(keepends=True)[:2]
    (tmp_path / "ledger.jsonl").write_text("".join(head))
    executor = ThreadExecutor()
    conduct([plan()], SUBJECT, shop(tmp_path, Ledger(tmp_path / "ledger.jsonl"), executor))
    assert set(executor.runs) == {trial.id}
