import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from agent.budget import Budget, Spend, open_session, spent_before
from sandbox.errors import BudgetSpent
from sandbox.ledger import Ledger
from sandbox.records import CostLine, TrialLine


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def caps(**more):
    return Spend(wall_s=400, trials=10, cpu_s=100, disk_bytes=1000) + Spend(**more)


def test_what_is_reserved_cannot_be_reserved_again():
    budget = Budget(caps(), clock=Clock())
    held = budget.reserve(Spend(cpu_s=60), "a")
    with pytest.raises(BudgetSpent, match="cpu_s"):
        budget.reserve(Spend(cpu_s=50), "b")
    budget.settle(held, Spend(cpu_s=10))
    budget.reserve(Spend(cpu_s=50), "b")
    assert budget.spent().cpu_s == 10
    assert budget.left().cpu_s == 40


def test_a_reservation_is_settled_once():
    budget = Budget(caps(), clock=Clock())
    held = budget.reserve(Spend(trials=1), "a")
    budget.settle(held, Spend(trials=1))
    with pytest.raises(ValueError, match="settled before"):
        budget.settle(held, Spend(trials=1))


def test_time_for_the_report_is_kept_back():
    clock = Clock()
    budget = Budget(caps(), clock=clock)
    clock.now += 400 - budget.report_s - 5
    budget.reserve(Spend(wall_s=4), "short")
    with pytest.raises(BudgetSpent, match="wall_s"):
        budget.reserve(Spend(wall_s=20), "long")
    budget.reserve(Spend(wall_s=20), "the report", for_report=True)
    assert budget.work_seconds_left() == pytest.approx(5)
    assert budget.seconds_left() == pytest.approx(budget.report_s + 5)


def test_threads_never_reserve_more_than_the_cap():
    budget = Budget(caps(), clock=Clock())
    allowed = []
    gate = threading.Barrier(8)

    def grab(_):
        gate.wait()
        for _ in range(5):
            try:
                held = budget.reserve(Spend(trials=1, cpu_s=1), "trial")
            except BudgetSpent:
                continue
            budget.settle(held, Spend(trials=1, cpu_s=1))
            allowed.append(1)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(grab, range(8)))
    assert len(allowed) == 10
    assert budget.spent().trials == 10


def test_spent_time_of_earlier_sessions_counts_even_when_they_were_killed(tmp_path, monkeypatch):
    times = iter(["00:00:00", "00:00:30", "00:05:00", "00:05:10"])
    monkeypatch.setattr("sandbox.ledger._now", lambda: f"2026-01-01T{next(times)}.000+00:00")
    ledger = Ledger(tmp_path / "ledger.jsonl")
    open_session(ledger)
    ledger.append(trial("a", cpu_s=7.0))
    open_session(ledger)
    ledger.append(trial("b", cpu_s=2.0, cached=True))
    spent = spent_before(ledger)
    assert spent.wall_s == 40
    assert (spent.cpu_s, spent.trials) == (7.0, 1)
    budget = Budget(caps(), spent, Clock())
    assert budget.seconds_left() == 360


def test_disk_of_trials_counts_after_a_restart(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append(CostLine(id="c", what="trial a", disk_bytes=123, cpu_s=5, trials=1))
    spent = spent_before(ledger)
    assert spent.disk_bytes == 123
    assert spent.cpu_s == 0


def trial(id, cpu_s, cached=False):
    return TrialLine(
        id=id,
        tool="merge",
        arm="uniform",
        arguments={},
        seed=1,
        status="ok",
        wall_s=1,
        cpu_s=cpu_s,
        memory_peak_bytes=1,
        isolation="process",
        code_digest="c",
        data_digest="d",
        cached=cached,
    )
