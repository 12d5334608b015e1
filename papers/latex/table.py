"""A table as LaTeX: booktabs, wrapping columns, bold marks, notes."""

from __future__ import annotations

from pylatex import NoEscape
from pylatex.base_classes import Environment

from papers.latex.inline import Inline
from papers.manuscript import Column, Table
from papers.tables import Layout

_LEAST_PT = 60.0


class Narrow(Environment):  # type: ignore[misc] # PyLaTeX is untyped
    """A float of one column."""

    _latex_name = "table"


class Wide(Environment):  # type: ignore[misc] # PyLaTeX is untyped
    """A float over both columns."""

    _latex_name = "table*"


def table_tex(table: Table, layout: Layout, inline: Inline, one_column: bool) -> NoEscape:
    """The whole float.

    one_column: the page has one column here (the appendix), so a long table may break over pages.
    """
    if table.long and one_column:
        return _long(table, layout, inline)
    spans = table.wide or table.long
    kind = Wide if spans and not one_column else Narrow
    float_ = kind(options="!ht" if one_column else "t")
    float_.append(NoEscape(r"\centering\small"))
    float_.append(NoEscape(rf"\caption{{{inline.tex(table.caption)}}}"))
    float_.append(NoEscape(rf"\label{{{table.label}}}"))
    float_.append(NoEscape(_grid(table, layout, inline)))
    if table.notes:
        float_.append(NoEscape(rf"\tablenotes{{{inline.tex(table.notes)}}}"))
    return NoEscape(float_.dumps())


def _grid(table: Table, layout: Layout, inline: Inline) -> str:
    spec = _spec(layout.columns)
    body = "\n".join(
        [r"\toprule", _head(layout, inline), r"\midrule", *_rows(table, inline), r"\bottomrule"]
    )
    if layout.wraps:
        body = body.replace("\\\\\n", "\\\\[1pt]\n")
        return f"\\begin{{tabularx}}{{\\linewidth}}{{{spec}}}\n{body}\n\\end{{tabularx}}"
    return (
        "\\begin{adjustbox}{max width=\\linewidth}\n"
        f"\\begin{{tabular}}{{{spec}}}\n{body}\n\\end{{tabular}}\n\\end{{adjustbox}}"
    )


def _long(table: Table, layout: Layout, inline: Inline) -> NoEscape:
    """A longtable: its heading is repeated on every page."""
    head = f"\\toprule\n{_head(layout, inline)}\n\\midrule"
    notes = rf"\tablenotes{{{inline.tex(table.notes)}}}" if table.notes else ""
    lines = [
        r"{\footnotesize",
        rf"\begin{{longtable}}{{{_long_spec(layout)}}}",
        rf"\caption{{{inline.tex(table.caption)}}}\label{{{table.label}}}\\",
        f"{head}\n\\endfirsthead\n{head}\n\\endhead",
        "\\bottomrule\n\\endfoot",
        *_rows(table, inline),
        r"\end{longtable}",
        f"{notes}}}",
    ]
    return NoEscape("\n".join(lines))


def _spec(columns: tuple[Column, ...]) -> str:
    kinds = {"X": r">{\raggedright\arraybackslash}X"}
    return "@{}" + "".join(kinds.get(c.align, c.align) for c in columns) + "@{}"


def _long_spec(layout: Layout) -> str:
    """A longtable has no X columns: they share what the others leave."""
    wrapping = [c.align == "X" for c in layout.columns]
    taken = sum(w + 8 for w, wraps in zip(layout.widths_pt, wrapping, strict=True) if not wraps)
    share = max(_LEAST_PT, (layout.room_pt - taken) / max(1, sum(wrapping)) - 8)
    kinds = [
        rf">{{\raggedright\arraybackslash}}p{{{share:.0f}pt}}"
        if column.align == "X"
        else column.align
        for column in layout.columns
    ]
    return "@{}" + "".join(kinds) + "@{}"


def _head(layout: Layout, inline: Inline) -> str:
    cells = []
    for column, lines, box in zip(layout.columns, layout.heads, layout.boxes_pt, strict=True):
        if box:
            side = {"r": r"\raggedleft", "c": r"\centering"}.get(column.align, r"\raggedright")
            cells.append(rf"\parbox[b]{{{box:.0f}pt}}{{{side} {inline.tex(lines[0])}}}")
            continue
        side = {"r": "br", "c": "bc"}.get(column.align, "bl")
        text = r"\\".join(inline.tex(line) for line in lines)
        cells.append(rf"\makecell[{side}]{{{text}}}" if len(lines) > 1 else text)
    return " & ".join(cells) + r" \\"


def _rows(table: Table, inline: Inline) -> list[str]:
    bold, rules, lines = set(table.bold), set(table.rules_before), []
    for number, row in enumerate(table.rows):
        if number in rules:
            lines.append(r"\midrule")
        cells = [inline.tex(cell) for cell in row]
        for column in range(len(cells)):
            if (number, column) in bold:
                cells[column] = rf"\textbf{{{cells[column]}}}"
        lines.append(" & ".join(cells) + r" \\")
    return lines
