"""One thing that a review found, how it may be mended, and the round that it belongs to."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from papers.review.advice import Opinion
from papers.review.case import Case
from papers.review.passage import Passage
from sandbox.records import short_id

__all__ = [
    "Case",
    "Finding",
    "Mend",
    "Round",
    "Severity",
    "Unchecked",
    "drop",
    "found",
    "name_of",
    "rewrite",
]

Severity = Literal["blocking", "major", "minor"]
Action = Literal[
    "", "drop-sentence", "replace-text", "drop-block", "add-paragraph", "drop-key", "set-bold"
]


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Mend(Record):
    """A mechanical repair. section: its label, `abstract` for the abstract; block: its index there.

    drop-sentence: `old`. replace-text: `old` by `new`. drop-block: the block. add-paragraph: `new`,
    at the section's end. drop-key: citation key `old`, everywhere. set-bold: `cells` are the
    table's bold ones.
    """

    action: Action = ""
    section: str = ""
    block: int = -1
    old: str = ""
    new: str = ""
    cells: tuple[tuple[int, int], ...] = ()


class Finding(Record):
    """severity `blocking`: not to be published as it is. where: a place that a person finds."""

    id: str
    check: str
    severity: Severity
    where: str
    what: str
    fix: str
    mend: Mend = Mend()


class Unchecked(Record):
    """A check that could not run: never counted as passed; an unchecked blocking check blocks."""

    check: str
    blocking: bool
    reason: str


class Round(Record):
    """One round of review: what was found, what could not be checked, and which checks passed.

    opinion: what a model says beside the checks; nothing is counted or decided by it.
    """

    findings: tuple[Finding, ...]
    unchecked: tuple[Unchecked, ...] = ()
    passed: tuple[str, ...] = ()
    checklist: tuple[tuple[str, str, str], ...] = ()
    opinion: Opinion = Opinion()

    def count(self, severity: Severity) -> int:
        """How many findings have this severity."""
        return sum(finding.severity == severity for finding in self.findings)

    @property
    def blocked(self) -> bool:
        """Whether something blocks, or something that would block could not be checked."""
        return self.count("blocking") > 0 or any(item.blocking for item in self.unchecked)


def found(
    where: str, what: str, fix: str, mend: Mend | None = None, severity: Severity | None = None
) -> Finding:
    """A finding as a check states it; the panel adds the check's name and its usual severity."""
    return Finding(
        id="",
        check="",
        severity=severity or "blocking",
        where=where,
        what=what,
        fix=fix,
        mend=mend or Mend(),
    )


def drop(passage: Passage, sentence: str) -> Mend:
    """The repair that drops the sentences of a passage which hold this text."""
    return Mend(action="drop-sentence", section=passage.section, block=passage.block, old=sentence)


def rewrite(passage: Passage, old: str, new: str) -> Mend:
    """The repair that writes something else in a passage."""
    return Mend(
        action="replace-text", section=passage.section, block=passage.block, old=old, new=new
    )


def name_of(finding: Finding) -> str:
    """The id: the same flaw at the same place has the same id in the next round."""
    return short_id([finding.check, finding.where, finding.what])
