"""The texts of a manuscript, one by one, each with the place that a finding names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from papers.figures import refers
from papers.manuscript import Figure, Formula, Items, Manuscript, Paragraph, Section, Table
from papers.prose import Cite, Code, Math, Piece, Plain, Ref, Reference, pieces

Role = Literal["title", "heading", "paragraph", "item", "caption", "note", "cell", "column", "axis"]


@dataclass(frozen=True)
class Passage:
    """A text and where it stands.

    section: its label, `abstract` or `title`; block: index in it, -1 for a heading. table: label of
    its table or figure. lead: the paragraph that introduces a list.
    """

    section: str
    block: int
    role: Role
    text: str
    number: int = 0
    claims: tuple[str, ...] = ()
    table: str = ""
    lead: str = ""

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
        return _bodies(self.text)

    @property
    def words(self) -> str:
        """The text without references and mathematics: what the writer typed."""
        return " ".join(p.text for p in pieces(self.text) if isinstance(p, Plain))


@lru_cache(maxsize=1 << 14)
def _bodies(text: str) -> tuple[str, ...]:
    return tuple(_body(piece) for piece in pieces(text) if not isinstance(piece, _WORDS))


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
    paragraphs, lead = 0, ""
    for at, block in enumerate(section.blocks):
        if isinstance(block, Paragraph):
            paragraphs += 1
            heading = f"{block.heading}. " if block.heading else ""
            text = lead = heading + block.text
            yield Passage(section.label, at, "paragraph", text, paragraphs, block.claims)
        elif isinstance(block, Items):
            for number, item in enumerate(block.items, start=1):
                yield Passage(section.label, at, "item", item, number, lead=lead)
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
    return [(s, at, block) for s, at, block in floats(manuscript) if isinstance(block, Table)]


def figures(manuscript: Manuscript) -> list[tuple[str, int, Figure]]:
    """Every figure with the label of its section and its index there."""
    return [(s, at, block) for s, at, block in floats(manuscript) if isinstance(block, Figure)]


def floats(manuscript: Manuscript) -> list[tuple[str, int, Table | Figure]]:
    """Every table and figure in order of reading."""
    return [
        (section.label, at, block)
        for section in manuscript.sections
        for at, block in enumerate(section.blocks)
        if isinstance(block, Table | Figure)
    ]


_WORDS = (Plain, Math)


def _body(piece: Piece) -> str:
    """The reference as it was written, without braces."""
    if isinstance(piece, Reference):
        return piece.body
    if isinstance(piece, Cite):
        return ("citep:" if piece.in_parentheses else "cite:") + ",".join(piece.keys)
    if isinstance(piece, Ref):
        return f"ref:{piece.label}"
    return f"code:{piece.text}" if isinstance(piece, Code) else ""


@dataclass(frozen=True)
class Quoted:
    """A reference in pieces: `source:name|format`."""

    body: str

    @property
    def expression(self) -> str:
        """The reference without its format."""
        return self.body.split("|", 1)[0].strip()

    @property
    def form(self) -> str:
        """The format, "" when there is none."""
        return self.body.split("|", 1)[1].strip() if "|" in self.body else ""

    @property
    def source(self) -> str:
        """What comes before the first colon, such as `ev`, `cmp`, `mean`."""
        return self.expression.split(":", 1)[0]

    @property
    def name(self) -> str:
        """What comes after it."""
        return self.expression.split(":", 1)[1] if ":" in self.expression else ""

    @property
    def by_arm(self) -> tuple[str, ...]:
        """(arm, task, split, rest...) of a value over an arm's evidence, else empty."""
        parts = tuple(self.name.split("/"))
        return parts if self.source in OVER_ARMS and len(parts) >= 3 else ()

    @property
    def is_value(self) -> bool:
        """Whether it stands for a value, not for a citation, a label or quoted configuration."""
        return self.source not in ("cite", "citep", "ref", "code")


OVER_ARMS = ("mean", "sd", "se", "n", "low", "high", "median", "min", "max", "at", "best", "sum")


def quoted(passage: Passage) -> list[Quoted]:
    """The references of a passage, in order."""
    return [Quoted(body) for body in passage.references]


def every_reference(manuscript: Manuscript) -> list[tuple[str, Quoted]]:
    """All references of the paper, those of figures too, each with its place."""
    found = [(p.place, q) for p in passages(manuscript) for q in quoted(p)]
    for _, _, figure in figures(manuscript):
        for series in figure.series:
            along = (x for x in series.x if refers(x))
            for body in (*along, *series.y, *series.low, *series.high):
                found.append((figure.label, Quoted(body)))
    return found
