"""Laws first: what a mind or a person wrote is used only after it obeyed the laws of its kind."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

from agent.budget import Spend
from agent.calls import call_line_id, log_call
from agent.lab import Lab, Stopped
from agent.minds.mind import Call
from sandbox.records import CallLine, CostLine, DeviationLine, HypothesisLine, short_id
from tools.experiment import Experiment
from tools.law_check import CheckStopped, LawCheck, check_call, check_laws
from tools.own_code import OwnCode, brought_code
from tools.tool import NamedCode, find_tool

STAGE = "laws"


def lawful(lab: Lab, plans: Sequence[Experiment]) -> list[Experiment]:
    """The plans whose own code obeys its laws. For the others the reason is recorded."""
    kept = []
    for plan in plans:
        found = [(own.kind, why) for own in _own(lab, plan) if (why := broken(lab, own))]
        if found:
            checks = dict.fromkeys(f"`hanji {kind.command} check FILE`" for kind, _ in found)
            fix = f"mend what {' and '.join(checks)} finds, and start a new run"
            refuse(lab, plan, STAGE, "; ".join(why for _, why in found), fix)
        else:
            kept.append(plan)
    return kept


def refuse(lab: Lab, plan: Experiment, stage: str, why: str, fix: str) -> None:
    """Record that no trial of the plan is run, and why."""
    line = lab.ledger.find(HypothesisLine, plan.hypothesis)
    title = line.title if line is not None else plan.hypothesis
    lab.failed(stage, why, fix)
    lab.ledger.append(
        DeviationLine(
            id=_id(plan.hypothesis),
            experiment=plan.id,
            what=f"no trial of {title!r} was run",
            why=why,
        )
    )


def why_not(lab: Lab, hypothesis: str) -> str:
    """Why nothing of a hypothesis was run, when its plan was refused; empty otherwise."""
    found = lab.ledger.find(DeviationLine, _id(hypothesis))
    return found.why if found is not None else ""


def try_laws(lab: Lab, own: OwnCode) -> LawCheck:
    """How the laws were tried on this code, in a fresh sandbox; once a run. Raises Stopped."""
    tool, arguments = check_call(own)
    call = Call(tool=tool, arguments=arguments)
    lab.say("experiment", f"the laws of {own.kind.of_laws}, on {own.name}")
    try:
        found = check_laws(own, lab.executor, lab.folder, lab.stop)
    except CheckStopped as stop:
        raise Stopped from stop
    _charge(lab, found)
    log_call(
        lab, STAGE, call, "ok" if found.lawful else "failed", found.sentence or "all laws hold"
    )
    return found


def broken(lab: Lab, own: OwnCode) -> str:
    """What the check found against the code; made once a run, in a fresh sandbox."""
    tool, arguments = check_call(own)
    call = Call(tool=tool, arguments=arguments)
    known = lab.ledger.find(CallLine, call_line_id(STAGE, call))
    if known is not None:
        return "" if known.status == "ok" else known.summary
    return try_laws(lab, own).sentence


def _own(lab: Lab, plan: Experiment) -> list[OwnCode]:
    """The files of the plan that are not built in."""
    known = brought_code(lab.subject)
    named = {one.name for arm in plan.arms for one in named_by(arm.tool, arm.arguments)}
    return [known[name] for name in sorted(named)]


def named_by(tool: str, arguments: dict[str, JsonValue]) -> tuple[NamedCode, ...]:
    """The files that a call runs, and those that draw what it reads."""
    declared = find_tool(tool)
    return (*declared.code(arguments), *declared.drawn(arguments))


def _charge(lab: Lab, found: LawCheck) -> None:
    own = found.code
    id = short_id(["laws", own.name, own.digest])
    if lab.ledger.find(CostLine, id) is None:
        what = f"laws of {own.name}"
        lab.ledger.append(CostLine(id=id, what=what, wall_s=found.wall_s, cpu_s=found.cpu_s))
        lab.budget.charge(Spend(cpu_s=found.cpu_s))


def _id(hypothesis: str) -> str:
    return short_id([STAGE, hypothesis])
