"""Bold on a value that is not the best."""

from __future__ import annotations

from collections.abc import Iterable

from papers.manuscript import Table
from papers.prose import references
from papers.review.check import check
from papers.review.finding import Case, Finding, Mend, found
from papers.review.passage import Quoted, tables

_LOWER = ("cpu_s", "wall_s", "loss", "cross_entropy", "bytes")


@check("wrong_bold", blocking=False)
def wrong_bold(case: Case) -> Iterable[Finding]:
    """A value in bold is not the best of its column, or the best one is not bold."""
    for section, at, table in tables(case.manuscript):
        if not table.bold:
            continue
        right: set[tuple[int, int]] = set()
        for column in sorted({column for _, column in table.bold}):
            best = _best(case, table, column)
            right.update(best or {cell for cell in table.bold if cell[1] == column})
        if right != set(table.bold):
            wrong = sorted(set(table.bold) ^ right)[0]
            title = table.columns[wrong[1]].title if wrong[1] < len(table.columns) else "?"
            yield found(
                f"{table.label}, row {wrong[0] + 1}, column {wrong[1] + 1} ({title})",
                "it is bold and not the best"
                if wrong in table.bold
                else "it is the best and not bold",
                "set the best of each column in bold",
                Mend(action="set-bold", section=section, block=at, cells=tuple(sorted(right))),
            )


def _best(case: Case, table: Table, column: int) -> set[tuple[int, int]]:
    """The cells with the best value as it is shown; none when the column holds no such values."""
    shown: dict[int, float] = {}
    lower = False
    for number, row in enumerate(table.rows):
        bodies = references(row[column]) if column < len(row) else ()
        if len(bodies) != 1 or not Quoted(bodies[0]).by_arm:
            continue
        rendered = case.numbers.render(bodies[0])
        if isinstance(rendered.value, float | int):
            shown[number] = _as_shown(rendered.text, float(rendered.value))
            lower = lower or Quoted(bodies[0]).expression.endswith(_LOWER)
    if not shown:
        return set()
    top = min(shown.values()) if lower else max(shown.values())
    return {(number, column) for number, value in shown.items() if value == top}


def _as_shown(text: str, value: float) -> float:
    """Ties are ties as they are printed."""
    try:
        return float(text.replace("\N{MINUS SIGN}", "-").replace(",", "").rstrip("%"))
    except ValueError:
        return value
