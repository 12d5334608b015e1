"""Make the mind's tool calls, each over its plan's seeds, in the sandbox."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from agent.bookkeeper import Bookkeeper
from agent.budget import OUT_OF_TIME
from agent.calls import Status, log_call
from agent.drawable import drawable
from agent.lab import Lab
from agent.lawful import lawful
from agent.minds.mind import ActRequest, Call, Calls
from agent.state import State, Update
from sandbox.errors import PlanRefused
from sandbox.records import DeviationLine, TrialLine, digest_of, short_id
from tools.conduct import conduct
from tools.experiment import Arm, Experiment
from tools.freeze import call_of, frozen_plans
from tools.tool import find_tool
from tools.workshop import Workshop

if TYPE_CHECKING:
    from langgraph.runtime import Runtime

OVERRUN = 0.3
"""Share of the report's time that running trials may use up before they are ended."""


def experiment(state: State, runtime: Runtime[Lab]) -> Update:
    """Conduct the open plans whose every arm the mind called, on lawful code and what it draws."""
    lab, round_ = runtime.context, state["round"]
    with lab.stage("experiment", round_):
        plans = [p for p in frozen_plans(lab.ledger, lab.folder) if p.id in state["plans"]]
        request = ActRequest(round_, tuple(plans))
        reply = lab.replies.recall(f"act-{round_}", Calls, lambda: lab.mind.act(request))
        called = _refuse_unplanned(lab, round_, reply.calls, plans)
        wanted = [plan for plan in plans if _all_called(lab, plan, called)]
        _conduct(lab, drawable(lab, lawful(lab, wanted)))
        lab.check_stop()
        for call in reply.calls:
            if _call_id(call) in called:
                _record(lab, round_, call, plans)
    return {}


def _conduct(lab: Lab, plans: Sequence[Experiment]) -> None:
    """Run the trials until all are done, the person stops the run, or the report's time begins."""
    book = Bookkeeper(lab, plans)
    with _until_report(lab) as halt:
        workshop = Workshop(
            executor=lab.executor,
            ledger=lab.ledger,
            folder=lab.folder,
            cache=lab.settings.experts,
            watch=book.watch,
            stop=halt,
            reserve=book.reserve,
            scale=lab.scale,
        )
        conduct(plans, lab.subject, workshop)
        timed_out = halt.is_set() and not lab.stop.is_set()
    book.close()
    if timed_out:
        lab.failed("experiment", OUT_OF_TIME, "raise budget.wall")


@contextmanager
def _until_report(lab: Lab) -> Iterator[threading.Event]:
    """An event that is set when the person stops the run or the time for trials is over."""
    halt, done = threading.Event(), threading.Event()

    def wait() -> None:
        while not done.wait(0.2):
            late = lab.budget.left().wall_s < -OVERRUN * lab.budget.report_s
            if lab.stop.is_set() or late:
                halt.set()
                return

    watcher = threading.Thread(target=wait, name="until-report", daemon=True)
    watcher.start()
    try:
        yield halt
    finally:
        done.set()
        watcher.join()


def _refuse_unplanned(
    lab: Lab, round_: int, calls: Sequence[Call], plans: Sequence[Experiment]
) -> set[str]:
    """Ids of the calls that a frozen plan contains; the others are logged as refused."""
    planned = {call_of(arm) for plan in plans for arm in plan.arms}
    allowed = set()
    for call in calls:
        id = _call_id(call)
        if id in planned:
            allowed.add(id)
        else:
            log_call(lab, round_, call, "refused", "no frozen plan contains this call")
    return allowed


def _all_called(lab: Lab, plan: Experiment, called: set[str]) -> bool:
    missing = [arm.name for arm in plan.arms if call_of(arm) not in called]
    for name in missing:
        lab.ledger.append(
            DeviationLine(
                id=short_id(["not called", plan.id, name]),
                experiment=plan.id,
                what=f"arm {name} was not run",
                why="the mind did not call it, so the plan was not conducted",
            )
        )
    return not missing


def _call_id(call: Call) -> str:
    """As `call_of` names an arm's call; empty when no tool takes it."""
    try:
        return call_of(Arm(name="asked", label="", tool=call.tool, arguments=call.arguments))
    except PlanRefused:
        return ""


def _record(lab: Lab, round_: int, call: Call, plans: Sequence[Experiment]) -> None:
    seeds = {s for p in plans for arm in p.arms if call_of(arm) == _call_id(call) for s in p.seeds}
    normal = digest_of([call.tool, find_tool(call.tool).normal(call.arguments)])
    trials = [
        line
        for line in lab.ledger.lines(TrialLine)
        if line.seed in seeds and digest_of([line.tool, line.arguments]) == normal
    ]
    good = len({line.seed for line in trials if line.status == "ok"})
    status: Status = "ok" if good == len(seeds) else "failed"
    summary = f"{good} of {len(seeds)} trials ended well"
    log_call(lab, round_, call, status, summary, tuple(line.id for line in trials))
