"""Where a run's own tasks are drawn: its executor, its folder, its budget."""

from __future__ import annotations

from agent.budget import Spend
from agent.lab import Lab, Stopped
from sandbox.records import CostLine
from tools.architectures.subject import ArchitectureSuite
from tools.draws import Table
from tools.tasks.own_task import OwnTask
from tools.trial_folder import Ending


def seat(lab: Lab) -> None:
    """Let the subject draw its tasks with what the lab has; a stop ends it as it ends a trial."""

    def pay(own: OwnTask, id: str, ending: Ending) -> None:
        what = f"draws of {own.name}"
        if lab.ledger.find(CostLine, id) is None:
            lab.ledger.append(CostLine(id=id, what=what, wall_s=ending.wall_s, cpu_s=ending.cpu_s))
            lab.budget.charge(Spend(cpu_s=ending.cpu_s))

    if isinstance(lab.subject, ArchitectureSuite):
        lab.subject.table = Table(lab.executor, lab.folder, lab.stop, pay, Stopped)
