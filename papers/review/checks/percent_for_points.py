"""A difference of percentages called a percentage, and the other way round."""

from __future__ import annotations

import re
from collections.abc import Iterable

from papers.review.check import check
from papers.review.finding import Case, Finding, found, rewrite
from papers.review.passage import passages

_POINTS = re.compile(r"(\{\{[^{}]*\|pp\}\})(\s*(?:%|percent(?!age point)\b))")
_RELATIVE = re.compile(r"(\{\{[^{}]*\|%\}\})(\s*(?:pp\b|(?:percentage )?points?\b))")


@check("percent_for_points")
def percent_for_points(case: Case) -> Iterable[Finding]:
    """A value in percentage points is followed by "percent", or a percentage by "points"."""
    for passage in passages(case.manuscript):
        for pattern in (_POINTS, _RELATIVE):
            for match in pattern.finditer(passage.text):
                mend = rewrite(passage, match.group(0), match.group(1))
                yield found(
                    passage.quote(match.group(0)),
                    f"the unit is written twice and differently: {match.group(2).strip()!r}",
                    "leave the unit to the reference",
                    mend,
                )
