"""Read what the run has measured so far."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic import BaseModel, ConfigDict, Field

from sandbox.records import EvidenceLine, Split
from tools.desk import Desk
from tools.tool import tool


class ReadEvidence(BaseModel):
    """Every field given narrows the choice. metric: such as accuracy, cpu_s, evaluations."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str = "accuracy"
    arm: str = ""
    task: str = ""
    split: Split | None = None
    limit: int = Field(default=100, ge=1, le=1000)


class Row(BaseModel):
    """One arm on one task: the mean over seeds, each seed's value, and its evidence."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    arm: str
    task: str
    split: Split
    mean: float
    seeds: tuple[int, ...]
    values: tuple[float, ...]
    evidence: tuple[str, ...]


class Evidence(BaseModel):
    """left_off: rows beyond the limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: tuple[Row, ...]
    left_off: int


@tool("read_evidence", place="desk")
def read_evidence(arguments: ReadEvidence, desk: Desk) -> Evidence:
    """Read measured values of this run by arm, task and split, with their evidence."""
    groups: dict[tuple[str, str, Split], list[EvidenceLine]] = {}
    for line in _chosen(desk.ledger.lines(EvidenceLine), arguments):
        groups.setdefault((line.arm, line.task, line.split), []).append(line)
    rows = [_row(groups[name]) for name in sorted(groups)]
    return Evidence(
        rows=tuple(rows[: arguments.limit]), left_off=max(0, len(rows) - arguments.limit)
    )


def _chosen(lines: Iterable[EvidenceLine], wanted: ReadEvidence) -> list[EvidenceLine]:
    return [
        line
        for line in lines
        if line.metric == wanted.metric
        and wanted.arm in ("", line.arm)
        and wanted.task in ("", line.task)
        and wanted.split in (None, line.split)
    ]


def _row(lines: Sequence[EvidenceLine]) -> Row:
    ordered = sorted(lines, key=lambda line: line.seed)
    return Row(
        arm=ordered[0].arm,
        task=ordered[0].task,
        split=ordered[0].split,
        mean=sum(line.value for line in ordered) / len(ordered),
        seeds=tuple(line.seed for line in ordered),
        values=tuple(line.value for line in ordered),
        evidence=tuple(line.id for line in ordered),
    )
