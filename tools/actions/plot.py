"""Ask for a plot: which measured arms the paper shows side by side. It draws nothing itself."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from sandbox.errors import BadInput
from sandbox.records import EvidenceLine, PlotLine, Split, short_id
from tools.actions.read_evidence import ReadEvidence, Row, read_evidence
from tools.desk import Desk
from tools.tool import tool

MOST_PLOTS = 4
"""Of a run."""
LEAST_SEEDS = 2
"""Of every arm: one seed has no interval."""
LONGEST_NAME = 120
Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]


class Plot(BaseModel):
    """metric, task, split and arms: as read_evidence tells them; every arm once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: Name = "accuracy"
    task: Name
    arms: tuple[Name, ...] = Field(min_length=2, max_length=8)
    split: Split = "test"


class Plotted(BaseModel):
    """request: what was asked for. again: whether it was before. left: how many more may be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    request: PlotLine
    rows: tuple[Row, ...]
    again: bool
    left: int


@tool("plot", place="desk")
def plot(arguments: Plot, desk: Desk) -> Plotted:
    """Have the paper show measured arms side by side, and read their means and intervals now."""
    rows = _rows(arguments, desk)
    asked = desk.ledger.lines(PlotLine)
    line = PlotLine(id=_id(arguments), **arguments.model_dump())
    again = any(other.id == line.id for other in asked)
    if not again and len(asked) >= MOST_PLOTS:
        raise BadInput(
            f"{MOST_PLOTS} plots were asked for, which is the limit",
            "read_evidence tells values without a plot",
        )
    left = MOST_PLOTS - len(asked) - (not again)
    return Plotted(request=line, rows=rows, again=again, left=left)


def _id(arguments: Plot) -> str:
    """The same for the same arms in another order."""
    asked = arguments
    return short_id(["plot", asked.metric, asked.task, asked.split, sorted(asked.arms)])


def _rows(asked: Plot, desk: Desk) -> tuple[Row, ...]:
    """The measured values of every arm. Raises BadInput, with the nearest names that there are."""
    lines = desk.ledger.lines(EvidenceLine)
    if not lines:
        raise BadInput("nothing was measured yet", "ask again after an experiment")
    lines = _known("metric", asked.metric, lines, lambda line: line.metric)
    lines = _known("task", asked.task, lines, lambda line: line.task)
    lines = _known("split", asked.split, lines, lambda line: line.split)
    for arm in asked.arms:
        _check_arm(arm, _known("arm", arm, lines, lambda line: line.arm))
    if len(set(asked.arms)) < len(asked.arms):
        raise BadInput("an arm is named twice", "name every arm once")
    if len({line.unit for line in lines}) > 1:
        raise BadInput(f"{asked.metric} has several units here", "plot another metric")
    return tuple(_row(asked, arm, desk) for arm in asked.arms)


def _row(asked: Plot, arm: str, desk: Desk) -> Row:
    wanted = ReadEvidence(metric=asked.metric, arm=arm, task=asked.task, split=asked.split)
    [row] = read_evidence(wanted, desk).rows
    return row


def _known(
    what: str, name: str, lines: Sequence[EvidenceLine], of: Callable[[EvidenceLine], str]
) -> list[EvidenceLine]:
    """The evidence of that name. Raises BadInput with the nearest names."""
    found = [line for line in lines if of(line) == name]
    if not found:
        names = sorted({of(line) for line in lines})
        near = difflib.get_close_matches(name, names, 5, 0.5) or names[:5]
        raise BadInput(f"no such {what} was measured: {name!r}", f"nearest: {', '.join(near)}")
    return found


def _check_arm(arm: str, lines: Sequence[EvidenceLine]) -> None:
    """One value for every seed, and enough of them."""
    seeds = {line.seed for line in lines}
    if len(seeds) < LEAST_SEEDS:
        raise BadInput(f"{arm} has one seed here, so no interval", "leave it out")
    if len({(line.seed, line.value) for line in lines}) > len(seeds):
        raise BadInput(f"{arm} has two values for a seed here", "leave it out")
