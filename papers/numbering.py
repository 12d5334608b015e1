"""Which number every section, table, figure and formula bears; LaTeX counts in the same order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from papers.manuscript import Figure, Formula, Manuscript, Section, Table


@dataclass(frozen=True)
class Place:
    """kind: as it is printed, `Table`, `Section`, `Appendix`. number: `3`, `4.2`, `A`."""

    kind: str
    number: str

    @property
    def text(self) -> str:
        """As a reference prints it: "Table 3"; formulas in parentheses."""
        number = f"({self.number})" if self.kind == "Equation" else self.number
        return f"{self.kind}\N{NO-BREAK SPACE}{number}"


def numbering(manuscript: Manuscript) -> Mapping[str, Place]:
    """Label -> its place."""
    found: dict[str, Place] = {}
    count: Counter[str] = Counter()
    for section in (*body(manuscript), *appendix(manuscript)):
        found[section.label] = _section(section, count)
        for block in section.blocks:
            if isinstance(block, Table | Figure | Formula):
                kind = "Equation" if isinstance(block, Formula) else type(block).__name__
                count[kind] += 1
                found[block.label] = Place(kind, str(count[kind]))
    return found


def body(manuscript: Manuscript) -> tuple[Section, ...]:
    """The sections before the bibliography."""
    return tuple(section for section in manuscript.sections if not section.appendix)


def appendix(manuscript: Manuscript) -> tuple[Section, ...]:
    """The sections after it."""
    return tuple(section for section in manuscript.sections if section.appendix)


def _section(section: Section, count: Counter[str]) -> Place:
    kind = "Appendix" if section.appendix else "Section"
    if section.level == 1:
        count[kind] += 1
        count["subsection"] = 0
    else:
        count["subsection"] += 1
    number = chr(ord("A") + count[kind] - 1) if section.appendix else str(count[kind])
    return Place(kind, number if section.level == 1 else f"{number}.{count['subsection']}")
