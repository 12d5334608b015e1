"""The budget of a session agrees with what the ledger will say of it."""

from types import SimpleNamespace

import pytest

from agent.bookkeeper import Bookkeeper
from agent.budget import Budget, Spend
from sandbox.ledger import Ledger
from sandbox.records import CostLine, short_id
from tools.workshop import TrialEvent


@pytest.fixture
def lab(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append(CostLine(id=short_id(["cost", "t"]), what="trial t", trials=1, disk_bytes=300))
    budget = Budget(Spend(wall_s=600, trials=9, cpu_s=99, disk_bytes=1000))
    return SimpleNamespace(ledger=ledger, budget=budget, say=lambda *a, **k: None)


def watched(lab, what, trial="t", planned=None):
    book = Bookkeeper(lab, ())
    if planned is not None:
        assert book.reserve(planned, 50.0)
    event = TrialEvent(
        what=what, trial=trial, arm="a", label="a", seed=1, done=1, running=0, total=1, cpu_s=7.0
    )
    book.watch(event)
    book.close()
    spent = lab.budget.spent()
    return spent.trials, spent.cpu_s, spent.disk_bytes


def test_a_finished_trial_costs_what_it_took_and_not_what_was_reserved(lab):
    assert watched(lab, "finished", planned=SimpleNamespace(id="t")) == (1, 7.0, 300)


def test_a_trial_that_ended_before_a_crash_is_paid_once(lab):
    assert watched(lab, "reused") == (1, 7.0, 300)


def test_a_cached_model_costs_the_disk_alone(lab):
    assert watched(lab, "cached") == (0, 0.0, 300)


def test_a_trial_that_could_not_start_costs_nothing(lab):
    assert watched(lab, "failed", trial="other") == (0, 0.0, 0)
