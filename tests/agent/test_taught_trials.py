"""Arms of the families about teaching, run as a plan runs them, become sealed evidence."""

from dataclasses import replace
from pathlib import Path

import pytest

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Setting, find_family
from sandbox.backend import find_backend
from sandbox.executors.local import LocalExecutor
from sandbox.ledger import Ledger
from sandbox.records import EvidenceLine, HypothesisLine, TrialLine
from tests.tools.small_world import shop
from tools.architectures.subject import ArchitectureSuite
from tools.compare import compare
from tools.conduct import conduct
from tools.experiment import Experiment, PairedTest
from tools.freeze import freeze

TEACHERS = {"teachers", "teacher_training_flops", "teacher_training_s", "teacher_dev_accuracy"}


def planned(name: str, at: Setting) -> Experiment:
    idea = find_family(name).think(at)
    assert idea is not None
    treatment, control = idea.sides(at.subject.primary)
    test = PairedTest(
        treatment=treatment,
        control=control,
        null_effect=idea.null_effect,
        predicted_effect=idea.predicted_effect,
        alpha=0.49,
        family_size=1,
    )
    return Experiment(
        hypothesis=name, subject="architectures", arms=idea.arms, seeds=(3, 4), test=test
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "task"),
    [("distilled_experts", "domains"), ("latent_rollout", "life_rollout")],
)
def test_a_plan_is_run_and_compared(
    name: str, task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(arms.SCALES, "quick", replace(arms.SCALES["quick"], steps=4))
    at = Setting(ArchitectureSuite("quick", [task], secret="s"), 40)
    plan, ledger = planned(name, at), Ledger(tmp_path / "ledger.jsonl")
    about = dict.fromkeys(("title", "statement", "rationale", "prediction", "refuted_by"), "x")
    ledger.append(HypothesisLine(id=name, family=name, round=1, **about))
    freeze(plan, at.subject, ledger, tmp_path)
    with LocalExecutor(find_backend("process"), slots=1) as executor:
        conduct([plan], at.subject, shop(tmp_path, ledger, executor))
    trials = ledger.lines(TrialLine)
    assert [trial.status for trial in trials] == ["ok"] * 4, [trial.reason for trial in trials]
    assert compare(plan, ledger).pairs == 2
    evidence = {line.metric for line in ledger.lines(EvidenceLine)}
    assert (evidence >= TEACHERS) == (name == "distilled_experts")
