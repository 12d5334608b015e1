"""The structured paper, from which LaTeX, PDF and HTML are rendered.

None of them holds a value of its own.

Prose is plain text with references in double braces, filled in by the renderer:

    {{ev:ID|.3f}}                 a sealed measured value (see numbers.py for all sources and
    formats)
    {{cmp:ID.effect|pp}}          a field of a comparison
    {{mean:ARM/TASK/SPLIT|.3f}}   a derived value: an expression over evidence
    {{cite:key}}                  a textual citation, "Akiba et al. (2025)"; {{citep:key,key}} in
    parentheses
    {{ref:fig:progress}}          a reference to a table, figure or section
    {{code:text}}                 quoted configuration, set in a monospaced face
    $...$                         mathematics, kept as it is

Everything else is escaped. A literal digit in prose is refused (checks/untraced_number.py).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from sandbox.records import digest_of


class Part(BaseModel):
    """A piece of a paper."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Paragraph(Part):
    """One paragraph of prose.

    `heading` is an optional run-in heading. `claims`: ids of the claims it states.
    """

    kind: Literal["paragraph"] = "paragraph"
    text: str
    heading: str = ""
    claims: tuple[str, ...] = ()


class Items(Part):
    """A list."""

    kind: Literal["items"] = "items"
    items: tuple[str, ...]
    numbered: bool = False


class Formula(Part):
    """A displayed formula: LaTeX mathematics, no text."""

    kind: Literal["formula"] = "formula"
    label: str
    latex: str


class Column(Part):
    """A table's column. align: l, r, c, or X for one that takes the remaining width and wraps."""

    title: str
    align: Literal["l", "r", "c", "X"] = "r"


class Table(Part):
    """Cells are prose: words and references, no literal digits.

    bold: (row, column) pairs set bold.

    wide: spans both columns. long: set as a table that breaks over pages (appendix).
    """

    kind: Literal["table"] = "table"
    label: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    bold: tuple[tuple[int, int], ...] = ()
    rules_before: tuple[int, ...] = ()
    notes: str = ""
    wide: bool = False
    long: bool = False


class Series(Part):
    """Points of one curve, bar group or grid; coordinates are references without braces.

    `y`, `low`, `high`: same length as `x`. `x` may be labels (bars) or references (curves).
    """

    label: str
    x: tuple[str, ...]
    y: tuple[str, ...]
    low: tuple[str, ...] = ()
    high: tuple[str, ...] = ()


class Figure(Part):
    """A figure drawn by figures.py from `series` alone.

    `draw` names the drawing (see figures.py).
    """

    kind: Literal["figure"] = "figure"
    label: str
    caption: str
    draw: str
    series: tuple[Series, ...]
    x_label: str
    y_label: str
    wide: bool = False
    alt: str


Block = Annotated[Paragraph | Items | Formula | Table | Figure, Field(discriminator="kind")]


class Section(Part):
    """A section; `label` such as `sec:results`. level 1 or 2."""

    label: str
    title: str
    blocks: tuple[Block, ...]
    level: Literal[1, 2] = 1
    appendix: bool = False


class Manuscript(Part):
    """A whole paper.

    authorship: one sentence or two for the first page, where several minds wrote; no digits.
    """

    run: str
    title: str
    abstract: tuple[Paragraph, ...]
    sections: tuple[Section, ...]
    bibliography: tuple[str, ...]
    banner: str = ""
    mind: str = ""
    authorship: str = ""
    language: str = "en"

    @property
    def digest(self) -> str:
        """SHA-256 of the whole manuscript."""
        unsaid = set() if self.authorship else {"authorship"}
        return digest_of(self.model_dump(mode="json", exclude=unsaid))
