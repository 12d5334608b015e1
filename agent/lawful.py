"""Laws first: what a mind or a person wrote is trained only after it obeyed the laws of blocks."""

from __future__ import annotations

from collections.abc import Sequence

from agent.budget import Spend
from agent.calls import call_line_id, log_call
from agent.lab import Lab, Stopped
from agent.minds.mind import Call
from sandbox.records import CallLine, CostLine, DeviationLine, HypothesisLine, short_id
from tools.architectures.law_check import CheckStopped, LawCheck, check_laws
from tools.architectures.own_block import OwnBlock, brought
from tools.experiment import Experiment
from tools.tool import find_tool

STAGE = "laws"
FIX = "`hanji blocks check FILE` prints the laws one by one; mend the block and start a new run"


def lawful(lab: Lab, plans: Sequence[Experiment]) -> list[Experiment]:
    """The plans whose own blocks obey the laws. For the others the reason is recorded."""
    kept = []
    for plan in plans:
        broken = [why for block in _own(lab, plan) if (why := _broken(lab, block))]
        if broken:
            _record(lab, plan, broken)
        else:
            kept.append(plan)
    return kept


def why_not(lab: Lab, hypothesis: str) -> str:
    """Why nothing of a hypothesis was trained, when a law was broken; empty otherwise."""
    found = lab.ledger.find(DeviationLine, _id(hypothesis))
    return found.why if found is not None else ""


def _own(lab: Lab, plan: Experiment) -> list[OwnBlock]:
    """The blocks of the plan that are not built in."""
    known = brought(lab.subject)
    named = {name for arm in plan.arms for name in find_tool(arm.tool).code(arm.arguments)}
    return [known[name] for name in sorted(named)]


def _broken(lab: Lab, block: OwnBlock) -> str:
    """What the check found against the block; made once a run, in a fresh sandbox."""
    call = Call(tool="check_block", arguments={"block": block.name, "digest": block.digest})
    known = lab.ledger.find(CallLine, call_line_id(STAGE, call))
    if known is not None:
        return "" if known.status == "ok" else known.summary
    lab.say("experiment", f"the laws of blocks, on {block.name}")
    try:
        found = check_laws(block, lab.executor, lab.folder, lab.stop)
    except CheckStopped as stop:
        raise Stopped from stop
    _charge(lab, found)
    log_call(
        lab, STAGE, call, "ok" if found.lawful else "failed", found.sentence or "all laws hold"
    )
    return found.sentence


def _charge(lab: Lab, found: LawCheck) -> None:
    what = f"laws of {found.block.name}"
    id = short_id(["laws", found.block.name, found.block.digest])
    if lab.ledger.find(CostLine, id) is None:
        cost = CostLine(id=id, what=what, wall_s=found.wall_s, cpu_s=found.cpu_s)
        lab.ledger.append(cost)
        lab.budget.charge(Spend(cpu_s=found.cpu_s))


def _record(lab: Lab, plan: Experiment, broken: Sequence[str]) -> None:
    line = lab.ledger.find(HypothesisLine, plan.hypothesis)
    title = line.title if line is not None else plan.hypothesis
    why = "; ".join(broken)
    lab.failed(STAGE, why, FIX)
    lab.ledger.append(
        DeviationLine(
            id=_id(plan.hypothesis),
            experiment=plan.id,
            what=f"no trial of {title!r} was run",
            why=why,
        )
    )


def _id(hypothesis: str) -> str:
    return short_id([STAGE, hypothesis])
