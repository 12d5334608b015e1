"""The same figure twice."""

from __future__ import annotations

from collections.abc import Iterable

from papers.manuscript import Figure
from papers.review.check import check
from papers.review.finding import Case, Finding, Mend, found
from papers.review.passage import floats


@check("duplicate_figure", blocking=False)
def duplicate_figure(case: Case) -> Iterable[Finding]:
    """Two figures draw the same series in the same way, or two tables have the same rows."""
    seen: dict[object, str] = {}
    for section, at, block in floats(case.manuscript):
        shown = (
            (block.draw, block.series) if isinstance(block, Figure) else (block.columns, block.rows)
        )
        if shown in seen:
            mend = Mend(action="drop-block", section=section, block=at)
            yield found(block.label, f"it repeats {seen[shown]}", "drop one of them", mend)
        seen.setdefault(shown, block.label)
