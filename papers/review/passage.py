"""The texts of a manuscript, one by one, each with the place that a finding names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from papers.manuscript import Figure, Formula, Items, Manuscript, Paragraph, Section, Table

Role = Literal["title", "heading", "paragraph", "item", "caption", "note", "cell", "column", "axis"]
REFERENCE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
MATHEMATICS = re.compile(r"\$[^$]*\$")


@dataclass(frozen=True)
class Passage:
    """A text and where it stands. section: its label, `abstract` or `title`; block: index in it, -1 for a heading."""

    section: str
    block: int
    role: Role
    text: str
    number: int = 0
    claims: tuple[str, ...] = ()
    table: str = ""

    @property
    def place(self) -> str:
        """As in "sec:results, paragraph 2"."""
        if self.role == "title":
            return "title"
        if self.role == "heading":
            return f"{self.section}, heading"
        if self.role == "cell":
            return f"{self.table}, row {self.number}"
        if self.role in ("caption", "note", "column", "axis"):
            return f"{self.table}, {self.role}"
        return f"{self.section}, {self.role} {self.number}"

    def quote(self, what: str = "") -> str:
        """The place with an excerpt around `what`."""
        at = max(self.text.find(what), 0) if what else 0
        start, stop = max(at - 30, 0), min(at + len(what) + 40, len(self.text))
        excerpt = " ".join(self.text[start:stop].split())
        head, tail = "..." if start else "", "..." if stop < len(self.text) else ""
        return f"{self.place}: '{head}{excerpt}{tail}'"

    @property
    def references(self) -> tuple[str, ...]:
        """The bodies of the references in the text, in order."""
        return tuple(match.group(1).strip() for match in REFERENCE.finditer(self.text))

    @property
    def words(self) -> str:
        """The text without references and mathematics: what the writer typed."""
        return MATHEMATICS.sub(" ", REFERENCE.sub(" ", self.text))


def passages(manuscript: Manuscript) -> list[Passage]:
    """Every text of the paper in reading order."""
    found = [Passage("title", -1, "title", manuscript.title)]
    found.extend(
        Passage("abstract", at, "paragraph", p.text, at + 1, p.claims)
        for at, p in enumerate(manuscript.abstract)
    )
    for section in manuscript.sections:
        found.append(Passage(section.label, -1, "heading", section.title))
        found.extend(_of_section(section))
    return found


def prose(manuscript: Manuscript) -> list[Passage]:
    """The sentences: paragraphs, list items, captions and notes."""
    return [p for p in passages(manuscript) if p.role in ("paragraph", "item", "caption", "note")]


def _of_section(section: Section) -> Iterator[Passage]:
    paragraphs = 0
    for at, block in enumerate(section.blocks):
        if isinstance(block, Paragraph):
            paragraphs += 1
            heading = f"{block.heading}. " if block.heading else ""
            text = heading + block.text
            yield Passage(section.label, at, "paragraph", text, paragraphs, block.claims)
        elif isinstance(block, Items):
            for number, item in enumerate(block.items, start=1):
                yield Passage(section.label, at, "item", item, number)
        elif isinstance(block, Table | Figure):
            yield from _of_float(section.label, at, block)
        elif isinstance(block, Formula):
            continue


def _of_float(section: str, at: int, block: Table | Figure) -> Iterator[Passage]:
    label = block.label
    yield Passage(section, at, "caption", block.caption, table=label)
    if isinstance(block, Figure):
        for axis in (block.x_label, block.y_label):
            yield Passage(section, at, "axis", axis, table=label)
        for series in block.series:
            yield Passage(section, at, "axis", series.label, table=label)
        return
    yield Passage(section, at, "note", block.notes, table=label)
    for column in block.columns:
        yield Passage(section, at, "column", column.title, table=label)
    for number, row in enumerate(block.rows, start=1):
        for cell in row:
            yield Passage(section, at, "cell", cell, number, table=label)


def tables(manuscript: Manuscript) -> list[tuple[str, int, Table]]:
    """Every table with the label of its section and its index there."""
    return [
        (section.label, at, block)
        for section in manuscript.sections
        for at, block in enumerate(section.blocks)
        if isinstance(block, Table)
    ]


def figures(manuscript: Manuscript) -> list[tuple[str, int, Figure]]:
    """Every figure with the label of its section and its index there."""
    return [
        (section.label, at, block)
        for section in manuscript.sections
        for at, block in enumerate(section.blocks)
        if isinstance(block, Figure)
    ]
