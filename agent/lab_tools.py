"""Tools of the trusted side that a model may call: write code, try a call out, read what it wrote.

Each is a typed function of arguments and the lab that answers in words. They decide nothing: what
counts is planned, frozen and measured elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from agent.bookkeeper import pay_pilot
from agent.fence import fenced
from agent.findings import affordable_cpu_s
from agent.lab import Lab, Stopped
from agent.lawful import broken, named_by
from agent.written_code import Written, name_code, source_of, write_code
from sandbox.errors import BadInput, BudgetSpent
from sandbox.records import CallLine, Seam
from tools.kind import KINDS, Kind
from tools.law_check import CheckStopped
from tools.own_code import LARGEST_BYTES, brought_code
from tools.pilot import (
    Piloted,
    Stand,
    pilot,
    pilot_trials,
    piloted_tools,
    waiting,
)
from tools.roster import Costs, Planned
from tools.tool import NamedCode, Tool, find_tool

MOST_PILOTS = 8
"""Of a run."""
PILOT_SHARE = 0.2
"""Of what trials may still cost, a single pilot may take so much."""
LONGEST_SCHEMA = 12_000


class Asked(BaseModel):
    """Arguments of such a tool."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class WriteCode(Asked):
    """name: a-z and _. source: the whole file."""

    name: str = Field(description="its name, as in the decorator: a-z and single _, no digits")
    source: str = Field(description=f"the whole Python file, at most {LARGEST_BYTES} bytes")


class ReadFile(Asked):
    """name: of a file that was written in this run."""

    name: str = Field(max_length=64)


class DescribeTool(Asked):
    """tool: whose arguments are asked about."""

    tool: str = Field(max_length=64)


class PilotCall(Asked):
    """A call as an arm of a plan would make it; seed, split and limits are not the caller's."""

    tool: str = Field(max_length=64)
    arguments: dict[str, JsonValue] = Field(default_factory=dict)


class Said(BaseModel):
    """What the model is told. ok: false where the attempt failed, which is no error of the call."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    ok: bool = True


def read_file(arguments: ReadFile, lab: Lab) -> Said:
    """Read again the last version of a file that you wrote in this run."""
    line, text = source_of(lab, arguments.name)
    state = "lawful and kept" if line.lawful else "not lawful"
    return Said(text=fenced(f"{line.name}, {state}", text, LARGEST_BYTES))


def describe_tool(arguments: DescribeTool, lab: Lab) -> Said:
    """The arguments of a tool that trials and pilots use, as a JSON schema."""
    tool = find_tool(arguments.tool)
    if tool.name not in piloted_tools():
        raise BadInput(f"{tool.name} makes no trials", f"known: {', '.join(piloted_tools())}")
    schema = json.dumps(tool.arguments.model_json_schema(), separators=(",", ":"))
    return Said(text=fenced(f"{tool.name}: {tool.summary}", schema, LONGEST_SCHEMA))


def pilot_call(arguments: PilotCall, lab: Lab) -> Said:
    """Try a call once on development items, with a seed that no plan uses. Nothing is evidence."""
    if _pilots(lab) >= MOST_PILOTS:
        raise BadInput(f"{MOST_PILOTS} pilots were run, which is the limit", "plan an experiment")
    if arguments.tool not in piloted_tools():
        raise BadInput(f"{arguments.tool!r} is not piloted", f"known: {', '.join(piloted_tools())}")
    given = name_code(lab.subject, arguments.tool, arguments.arguments)
    _check_lawful(lab, named_by(arguments.tool, given))
    trials = pilot_trials(arguments.tool, given, lab.subject, lab.scale)
    stand = Stand(
        executor=lab.executor,
        folder=lab.folder,
        cache=lab.settings.experts,
        stop=lab.stop,
        pay=lambda planned, work: pay_pilot(lab, planned, work),
        scale=lab.scale,
    )
    _check_cost(lab, waiting(trials, lab.subject, stand))
    try:
        return _piloted(pilot(trials, lab.subject, stand, lab.ledger))
    except CheckStopped as stop:
        raise Stopped from stop


def _written(found: Written) -> Said:
    line = found.line
    if line.lawful:
        field = KINDS[line.seam].argument
        return Said(
            text=f"{line.name} obeys its laws and is kept. Use it by its name in the arguments of "
            f"a tool; {field} is filled in for you."
        )
    told = f"{line.name} is not used. Attempts left: {found.left}.\n"
    told += fenced("Why", line.summary, 1500)
    if found.said:
        told += "\n" + fenced("The last lines of its standard error", found.said, 2500)
    return Said(text=told, ok=False)


def _piloted(found: Piloted) -> Said:
    if found.failure or not (found.scores or found.measures):
        told = fenced("The pilot failed", found.failure or "it answered nothing", 1000)
        if found.said:
            told += "\n" + fenced("The last lines of its standard error", found.said, 2500)
        return Said(text=told, ok=False)
    facts = {"development_scores": dict(found.scores), "measures": dict(found.measures)}
    told = "One pilot on development items, no evidence: do not cite it.\n"
    told += json.dumps(facts, sort_keys=True)
    if found.notes:
        told += "\n" + fenced("Its notes", "\n".join(found.notes), 2500)
    return Said(text=told)


def _pilots(lab: Lab) -> int:
    return sum(c.tool == "pilot" and c.status != "refused" for c in lab.ledger.lines(CallLine))


def _check_cost(lab: Lab, trials: Sequence[Planned]) -> None:
    costs = Costs(lab.ledger)
    if sum(costs.of(trial) for trial in trials) > PILOT_SHARE * affordable_cpu_s(lab):
        raise BudgetSpent(
            "this pilot would take too much of what trials may still cost",
            "ask for a smaller one: fewer steps, rates or evaluations",
        )


def _check_lawful(lab: Lab, code: Sequence[NamedCode]) -> None:
    known = brought_code(lab.subject)
    for named in code:
        if named.name in known and (why := broken(lab, known[named.name])):
            raise BadInput(why, "mend it first")


@dataclass(frozen=True)
class LabTool:
    """A tool of the trusted side. seam: of the subjects that it is for; empty for all."""

    tool: Tool
    seam: Seam | Literal[""] = ""


def _tool(name: str, function: Callable[..., Said], arguments: type[Asked]) -> Tool:
    summary = " ".join((function.__doc__ or "").split())
    return Tool(name, summary, "lab", 0.0, arguments, function)


def _writer(kind: Kind) -> LabTool:
    """The tool that writes code of this kind."""

    def write(arguments: WriteCode, lab: Lab) -> Said:
        return _written(write_code(lab, kind.seam, arguments.name, arguments.source))

    write.__doc__ = kind.writes
    return LabTool(_tool(kind.writer, write, WriteCode), kind.seam)


LAB_TOOLS: tuple[LabTool, ...] = (
    *(_writer(kind) for kind in KINDS.values()),
    LabTool(_tool("read_file", read_file, ReadFile)),
    LabTool(_tool("describe_tool", describe_tool, DescribeTool)),
    LabTool(_tool("pilot", pilot_call, PilotCall)),
)
