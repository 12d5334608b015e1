"""What a run cites of earlier ones, compared with their ledgers where those are at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import LedgerBroken
from sandbox.ledger import Ledger, read
from sandbox.records import (
    AnyLine,
    ComparisonLine,
    HypothesisLine,
    MemoryLine,
    PaperLine,
    VerdictLine,
)


@dataclass(frozen=True)
class Cited:
    """wrong, unchecked: a sentence for each citation that does not hold, or whose run is away."""

    wrong: list[str]
    unchecked: list[str]


def check_memory(folder: Path, ledger: Ledger) -> Cited:
    """Compare every citation with the run of its name in the same folder of runs."""
    found = Cited([], [])
    for line in ledger.lines(MemoryLine):
        there = folder.resolve().parent / Path(line.run).name / "ledger.jsonl"
        if not there.is_file():
            found.unchecked.append(f"memory {line.id}: run {line.run} is not beside this one")
        elif what := _wrong(line, there):
            found.wrong.append(f"ledger.jsonl: memory {line.id}: {what}")
    return found


def _wrong(line: MemoryLine, there: Path) -> str:
    """What the earlier run's ledger says otherwise; empty where it says the same."""
    try:
        then = _as_read(there, line.head)
    except (LedgerBroken, UnicodeDecodeError) as error:
        return f"the ledger of run {line.run} does not hold: {error}"
    if not any(isinstance(other, PaperLine) for other in then):
        return f"the ledger of run {line.run} is not the published one that was read"
    told = (line.hypothesis, line.family, line.title, line.statement)
    if told not in [_told(other) for other in then if isinstance(other, HypothesisLine)]:
        return f"run {line.run} has no such hypothesis"
    ruled = [v for v in then if isinstance(v, VerdictLine) and v.hypothesis == line.hypothesis]
    if not ruled or ruled[-1].ruling != line.ruling:
        said = ruled[-1].ruling if ruled else "not ruled on"
        return f"it is cited as {line.ruling}, and run {line.run} has it {said}"
    seeds = [
        set(c.seeds) for c in then if isinstance(c, ComparisonLine) and c.id == ruled[-1].comparison
    ]
    return "" if seeds and seeds[0] <= set(line.seeds) else f"run {line.run} compared other seeds"


def _as_read(there: Path, head: str) -> Sequence[AnyLine]:
    """The lines up to the one of that digest; none where it is not there. Raises LedgerBroken."""
    sealed = list(read(there))
    at = next((i for i, one in enumerate(sealed) if one.digest == head), -1)
    return [one.line for one in sealed[: at + 1]]


def _told(line: HypothesisLine) -> tuple[str, str, str, str]:
    return line.id, line.family, line.title, line.statement
