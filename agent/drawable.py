"""Draws first: a plan on a task that was brought is conducted once all its seeds are drawn.

A task whose file draws some seeds and not others would choose what it is tried on, so that a plan
with one seed that cannot be drawn is not conducted at all, and nothing of it is measured.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.lab import Lab
from agent.lawful import refuse
from sandbox.errors import BadInput
from tools.experiment import Experiment
from tools.roster import roster
from tools.steps import Steps
from tools.tool import find_tool

STAGE = "draws"


def drawable(lab: Lab, plans: Sequence[Experiment]) -> list[Experiment]:
    """The plans whose every seed could be drawn. For the others the reason is recorded."""
    return [plan for plan in plans if not any(_on_brought(plan)) or _is_drawn(lab, plan)]


def _on_brought(plan: Experiment) -> list[bool]:
    """Of each arm, whether files draw what it reads."""
    return [bool(find_tool(arm.tool).drawn(arm.arguments)) for arm in plan.arms]


def _is_drawn(lab: Lab, plan: Experiment) -> bool:
    """Draw what the plan's trials will be given, each once a run.

    Where no time is left for trials nothing more is drawn: none of them will start.
    """
    for planned in roster([plan], lab.subject, lab.scale):
        lab.check_stop()
        if lab.budget.work_seconds_left() <= 0:
            return True
        try:
            Steps(planned, lab.folder, lab.subject).draw()
        except BadInput as error:
            refuse(lab, plan, STAGE, f"{error.what} (seed {planned.spec.seed})", error.fix)
            return False
    return True
