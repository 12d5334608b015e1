"""A trial whose model is asked by another job than the one that made it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sandbox.errors import SandboxError
from sandbox.ledger import Ledger
from sandbox.records import CostLine, EvidenceLine, TrialLine, short_id
from tests.tools.small_world import (
    PowerCut,
    SmallSubject,
    ThreadExecutor,
    open_ledger,
    plan,
    shop,
)
from tools.conduct import conduct
from tools.experiment import Arm, Experiment
from tools.freeze import freeze
from tools.roster import roster
from tools.trial_folder import TrialFolder

SUBJECT = SmallSubject()
HANDED = Arm(name="handed", label="handed", tool="handed", arguments={"role": "left"})
pytestmark = pytest.mark.usefixtures("small_tools")


def experiment() -> Experiment:
    """One seed of a model as it is, asked in one job and in two."""
    one = plan("left", treatment="handed", control=("left",), seeds=(1,), alpha=0.6)
    return one.model_copy(update={"arms": (*one.arms, HANDED)})


def conducted(folder: Path, executor: ThreadExecutor) -> Ledger:
    ledger = open_ledger(folder)
    freeze(experiment(), SUBJECT, ledger, folder)
    conduct([experiment()], SUBJECT, shop(folder, ledger, executor))
    return ledger


def handed_folder(run: Path) -> TrialFolder:
    found = next(p for p in roster([experiment()], SUBJECT) if p.arm == "handed")
    return TrialFolder(run, found.id)


def scores(ledger: Ledger, arm: str) -> dict[tuple[str, str], float]:
    found = [e for e in ledger.lines(EvidenceLine) if e.arm == arm and e.metric == "accuracy"]
    return {(line.task, line.split): line.value for line in found}


def trial_of(ledger: Ledger, arm: str = "handed") -> TrialLine:
    return next(line for line in ledger.lines(TrialLine) if line.arm == arm)


def test_who_answers_scores_as_one_job_would_and_claims_of_the_other_are_not_read(
    tmp_path: Path,
) -> None:
    executor = ThreadExecutor()
    ledger = conducted(tmp_path, executor)
    assert {line.status for line in ledger.lines(TrialLine)} == {"ok"}
    assert scores(ledger, "handed") == scores(ledger, "left") != {}
    trial = trial_of(ledger)
    assert executor.runs[trial.id] == executor.runs[f"{trial.id}-answers-1"] == 1
    assert trial.answer_digests == (handed_folder(tmp_path).ending().answers)
    assert len(trial.answer_digests[0]) == 64
    cost = ledger.find(CostLine, short_id(["cost", trial.id]))
    assert (cost.cpu_s, trial.cpu_s, trial.wall_s) == (0.5, 0.5, 1.0)


def test_each_job_is_given_what_it_needs_and_nothing_else(tmp_path: Path) -> None:
    executor = ThreadExecutor()
    trial = trial_of(conducted(tmp_path, executor))
    jobs = {job.id: job for job in executor.jobs}
    made, asked = jobs[trial.id], jobs[f"{trial.id}-answers-1"]
    for file in made.inputs["tasks"].glob("*.json"):
        view = json.loads(file.read_text())
        assert (len(view["dev"]), view["test"]) == (5, [])
    call = json.loads(asked.inputs["call.json"].read_text())
    assert sorted(call) == ["arguments", "roles", "step", "tasks", "tool"]
    assert {name for name in asked.inputs if name.startswith("models/")} == {
        "models/made/config.json"
    }
    for name in ("next", "other"):
        view = json.loads((asked.inputs["tasks"] / f"{name}.json").read_text())
        assert view["dev"] == []
        assert all(sorted(question) == ["choices", "prompt"] for question in view["test"])
        assert len(view["test"]) == 45
    assert (made.policy.outputs, asked.policy.outputs) == (
        ("result.json", "model/config.json"),
        ("result.json",),
    )


@pytest.mark.parametrize("cut", [3, 4])
def test_a_trial_that_was_cut_between_its_jobs_goes_on_with_the_next(
    tmp_path: Path, cut: int
) -> None:
    undisturbed = conducted(tmp_path / "a", ThreadExecutor(slots=1))
    ledger = open_ledger(tmp_path / "b")
    freeze(experiment(), SUBJECT, ledger, tmp_path / "b")
    dying = ThreadExecutor(slots=1, cut_at=cut)
    with pytest.raises(PowerCut):
        conduct([experiment()], SUBJECT, shop(tmp_path / "b", ledger, dying))
    dying.pool.shutdown()
    again, second = Ledger(tmp_path / "b" / "ledger.jsonl"), ThreadExecutor()
    conduct([experiment()], SUBJECT, shop(tmp_path / "b", again, second))
    assert not set(dying.runs) & set(second.runs)
    assert sum(dying.runs.values()) + sum(second.runs.values()) == 5
    assert scores(again, "handed") == scores(undisturbed, "handed")
    assert trial_of(again).cpu_s == trial_of(undisturbed).cpu_s


@pytest.mark.parametrize(
    ("sick", "status", "words"),
    [
        ({"handed": "fail"}, "failed", "no luck"),
        ({"handed/answer": "kill"}, "killed", "memory"),
        ({"handed/answer": "lie"}, "failed", "1 answers to 45 questions of next"),
        ({"handed/answer": "nothing"}, "failed", "result.json is missing"),
    ],
)
def test_a_trial_fails_with_whichever_of_its_jobs_fails(
    tmp_path: Path, sick: dict[str, str], status: str, words: str
) -> None:
    ledger = conducted(tmp_path, ThreadExecutor(sick=sick))
    trial = trial_of(ledger)
    assert trial.status == status
    assert words in trial.reason.replace("\x1b[31m", "").replace("[31m", "")
    assert not scores(ledger, "handed")
    assert scores(ledger, "left")


def test_a_job_whose_outcome_is_not_there_is_not_run_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.tools.small_world.write_outcome", lambda outcome, folder: None)
    with pytest.raises(SandboxError, match="cannot be read from its folder"):
        conducted(tmp_path, ThreadExecutor())


def test_a_trial_whose_answers_were_changed_is_asked_again(tmp_path: Path) -> None:
    whole = conducted(tmp_path, ThreadExecutor())
    answers = handed_folder(tmp_path).answers(1) / "result.json"
    answers.write_text(answers.read_text().replace('"?"', '"1"', 1))
    lines = (tmp_path / "ledger.jsonl").read_text().splitlines(keepends=True)
    kept = [line for line in lines if trial_of(whole).id not in line]
    assert len(kept) < len(lines)
    (tmp_path / "ledger.jsonl").write_text("".join(lines[: len(kept) - 1]))
    again, second = Ledger(tmp_path / "ledger.jsonl"), ThreadExecutor()
    conduct([experiment()], SUBJECT, shop(tmp_path, again, second))
    assert scores(again, "handed") == scores(whole, "handed")
    assert f"{trial_of(again).id}-answers-1" in second.runs


def test_scores_name_who_scored_them_and_against_what(tmp_path: Path) -> None:
    ledger = conducted(tmp_path, ThreadExecutor())
    scored = [e for e in ledger.lines(EvidenceLine) if e.metric == "accuracy"]
    counted = [e for e in ledger.lines(EvidenceLine) if e.metric != "accuracy"]
    assert len({e.scorer_digest for e in scored}) == 1
    assert len({(e.task, e.split, e.labels_digest) for e in scored}) == 4
    assert len({e.labels_digest for e in scored}) == 4
    assert all(len(e.scorer_digest) == len(e.labels_digest) == 64 for e in scored)
    assert {(e.scorer_digest, e.labels_digest) for e in counted} == {("", "")}
