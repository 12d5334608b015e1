"""How wide a table's text is, and which columns must wrap for it to fit."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from papers.manuscript import Column, Table

COLUMN_PT = 238.0
TEXT_PT = 498.0
# a word, with the references and formulas that it holds
_WORD = re.compile(r"(?:\{\{.+?\}\}|\$[^$]+\$|\S)+")
_LETTER_PT = 4.5
_GAP_PT = 8.0


@dataclass(frozen=True)
class Layout:
    """columns: the table's, some of them now wrapping. widths_pt: of the text of each, unwrapped.

    heads: column titles, broken into lines where a title is wider than what stands below it.
    boxes_pt: width of the box in which a title made of references wraps by itself, 0 for no box.
    """

    columns: tuple[Column, ...]
    widths_pt: tuple[float, ...]
    heads: tuple[tuple[str, ...], ...]
    boxes_pt: tuple[float, ...]
    room_pt: float

    @property
    def wraps(self) -> bool:
        """Whether some column takes the remaining width."""
        return any(column.align == "X" for column in self.columns)


def layout(table: Table, visible: Callable[[str], str], full_width: bool) -> Layout:
    """Decide what wraps.

    visible: prose -> the text that a reader sees. full_width: over both columns of the page.
    """
    room = TEXT_PT if full_width else COLUMN_PT
    cells = [max((len(visible(r[i])) for r in table.rows), default=0) for i in range(_size(table))]
    boxes = tuple(
        _box_pt(visible(column.title), at_least) if "{{" in column.title else 0.0
        for column, at_least in zip(table.columns, cells, strict=True)
    )
    heads = tuple(
        (column.title,) if box else _broken(column.title, at_least)
        for column, at_least, box in zip(table.columns, cells, boxes, strict=True)
    )
    widths = tuple(
        box or _LETTER_PT * max(cell, *(len(line) for line in head))
        for cell, head, box in zip(cells, heads, boxes, strict=True)
    )
    columns = table.columns
    if sum(widths) + _GAP_PT * len(widths) > room:
        columns = _wrap_widest(columns, widths)
    return Layout(columns, widths, heads, boxes, room)


def _size(table: Table) -> int:
    return len(table.columns)


def _box_pt(shown: str, cell_letters: int) -> float:
    """As wide as the cells below, or as the title's longest word."""
    return _LETTER_PT * (max(cell_letters, *(len(word) for word in shown.split() or [""])) + 1)


def _broken(title: str, cell_letters: int) -> tuple[str, ...]:
    """The title in lines no longer than the cells, or than its longest word.

    References and mathematics are never broken.
    """
    words = _WORD.findall(title)
    most = max(cell_letters, 8, *(len(word) for word in words or [""]))
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + 1 + len(word) <= most:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return tuple(lines) or ("",)


def _wrap_widest(columns: Sequence[Column], widths: Sequence[float]) -> tuple[Column, ...]:
    """Let the widest left-aligned column wrap, unless one does already."""
    if any(column.align == "X" for column in columns):
        return tuple(columns)
    left = [i for i, column in enumerate(columns) if column.align == "l"]
    if not left:
        return tuple(columns)
    widest = max(left, key=lambda i: widths[i])
    return tuple(
        column.model_copy(update={"align": "X"}) if i == widest else column
        for i, column in enumerate(columns)
    )
