"""Compare, read, and decide whether to ask again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from agent import gate
from agent.findings import affordable_cpu_s, provisional, room, standing
from agent.lab import Lab
from agent.minds.mind import InterpretRequest, Reading
from agent.state import State, Update
from sandbox.records import ComparisonLine, DecisionLine, HypothesisLine, short_id
from tools.compare import compare_all
from tools.experiment import Experiment
from tools.freeze import frozen_plans

if TYPE_CHECKING:
    from langgraph.runtime import Runtime


def interpret(state: State, runtime: Runtime[Lab]) -> Update:
    """Seal this round's comparisons and ask the mind whether to go on."""
    lab, round_ = runtime.context, state["round"]
    with lab.stage("interpret", round_):
        plans = frozen_plans(lab.ledger, lab.folder)
        _compare(lab, [plan for plan in plans if plan.id in state["plans"]])
        _tell(lab, plans)
        again, why = _go_on(lab, round_)
        lab.ledger.append(
            DecisionLine(
                id=short_id(["interpret", round_]),
                what=f"whether to go on after round {round_}",
                chosen=("hypothesize" if again else "write",),
                why=why,
            )
        )
    return {"again": again, "stopped": "" if again else why}


def _compare(lab: Lab, plans: Sequence[Experiment]) -> None:
    done = {line.experiment for line in lab.ledger.lines(ComparisonLine)}
    for line in compare_all([plan for plan in plans if plan.id not in done], lab.ledger):
        lab.ledger.append(line)


def _tell(lab: Lab, plans: Sequence[Experiment]) -> None:
    rulings = provisional(lab, plans)
    for line in lab.ledger.lines(HypothesisLine):
        if line.id in rulings:
            lab.say("interpret", f"so far {rulings[line.id]}", hypothesis=line.title)


def _go_on(lab: Lab, round_: int) -> tuple[bool, str]:
    """Whether a further round is begun, and why or why not."""
    if missed := gate.missed(lab):
        run = gate.is_run(lab)
        fix = gate.FIX if run else gate.FIX_UNASKED
        lab.failed("gate", f"the known order was not reproduced: {missed}", fix)
        ended = "failed" if run else "was not run"
        return False, f"the gate {ended}, so nothing else is asked; not supported: {missed}"
    if not room(lab):
        return False, "every hypothesis that the topic allows was asked"
    if affordable_cpu_s(lab) <= 0:
        return False, "the budget leaves no time for a further round"
    request = standing(lab, InterpretRequest, round_, before_round=round_ + 1)
    key = f"interpret-{round_}"
    reading = lab.replies.recall(key, Reading, lambda: lab.mind.interpret(request))
    return reading.again, reading.why
