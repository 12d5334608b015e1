"""The same figure twice."""

from __future__ import annotations

from collections.abc import Iterable

from papers.review.check import check
from papers.review.finding import Case, Finding, Mend, found
from papers.review.passage import figures, tables


@check("duplicate_figure", blocking=False)
def duplicate_figure(case: Case) -> Iterable[Finding]:
    """Two figures draw the same series in the same way, or two tables have the same rows."""
    seen: dict[object, str] = {}
    for section, at, figure in figures(case.manuscript):
        key = (figure.draw, figure.series)
        if key in seen:
            mend = Mend(action="drop-block", section=section, block=at)
            yield found(figure.label, f"it repeats {seen[key]}", "drop one of them", mend)
        seen.setdefault(key, figure.label)
    for section, at, table in tables(case.manuscript):
        rows = (table.columns, table.rows)
        if rows in seen:
            mend = Mend(action="drop-block", section=section, block=at)
            yield found(table.label, f"it repeats {seen[rows]}", "drop one of them", mend)
        seen.setdefault(rows, table.label)
