"""Between workshop and budget: reserves before a trial, settles after it, tells the watcher."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from agent.budget import PILOT, Reservation, Spend
from agent.lab import Lab
from sandbox.errors import BudgetSpent
from sandbox.records import CostLine, HypothesisLine, short_id
from tools.experiment import Experiment
from tools.pilot import FOLDER as PILOTS
from tools.roster import Planned
from tools.trial_folder import Ending, TrialFolder
from tools.workshop import TrialEvent


class Bookkeeper:
    """Keeps one round of trials within the budget."""

    def __init__(self, lab: Lab, plans: Sequence[Experiment]) -> None:
        self._lab = lab
        self._held: dict[str, Reservation] = {}
        self._best = -1.0
        titles = {line.id: line.title for line in lab.ledger.lines(HypothesisLine)}
        self._titles = {plan.id: titles.get(plan.hypothesis, "") for plan in plans}

    def reserve(self, planned: Planned, cpu_s: float) -> bool:
        """Whether the trial may start: its CPU time must fit, and as much wall time."""
        estimate = Spend(wall_s=cpu_s, trials=1, cpu_s=cpu_s)
        try:
            self._held[planned.id] = self._lab.budget.reserve(estimate, f"trial {planned.id}")
        except BudgetSpent:
            return False
        return True

    def watch(self, event: TrialEvent) -> None:
        """Settle what ended, and show where the round stands."""
        held = self._held.pop(event.trial, None) if event.what in ("finished", "failed") else None
        if held is not None:
            self._lab.budget.settle(held, self._spent(event))
        elif event.what in ("reused", "cached"):
            self._lab.budget.charge(self._spent(event))
        self._best = max(self._best, event.accuracy)
        self._lab.say(
            "experiment",
            f"{event.what}: {event.label}, seed {event.seed}",
            hypothesis=next((self._titles.get(id, "") for id in event.experiments), ""),
            trials_done=event.done,
            trials_running=event.running,
            trials_total=event.total,
            best=self._best,
        )

    def _spent(self, event: TrialEvent) -> Spend:
        """As the ledger will count it: a cached trial costs the disk alone."""
        cost = self._lab.ledger.find(CostLine, short_id(["cost", event.trial]))
        disk_bytes = cost.disk_bytes if cost is not None else 0
        if event.what == "cached":
            return Spend(disk_bytes=disk_bytes)
        return Spend(trials=1, cpu_s=event.cpu_s, disk_bytes=disk_bytes)

    def close(self) -> None:
        """Give back what was reserved for trials that were ended before they finished."""
        for held in self._held.values():
            self._lab.budget.settle(held, Spend())
        self._held.clear()


def pay_pilot(lab: Lab, planned: Planned, work: Callable[[], Ending]) -> Ending:
    """Run a trial that is no part of a plan within the budget, with a cost line of its own.

    Raises BudgetSpent before anything is run.
    """
    cpu_s = planned.cpu_s
    what = f"{PILOT} {planned.id}"
    held = lab.budget.reserve(Spend(wall_s=cpu_s, trials=1, cpu_s=cpu_s), what)
    spent = Spend()
    try:
        ending = work()
        disk_bytes = TrialFolder(lab.folder / PILOTS, planned.id).disk_bytes()
        spent = Spend(trials=1, cpu_s=ending.cpu_s, disk_bytes=disk_bytes)
        id = short_id(["cost", PILOT, planned.id])
        lab.ledger.append(
            CostLine(
                id=id, what=what, wall_s=ending.wall_s, cpu_s=ending.cpu_s, disk_bytes=disk_bytes
            )
        )
        return ending
    finally:
        lab.budget.settle(held, spent)
