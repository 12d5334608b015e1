"""What TeX complained about."""

from __future__ import annotations

import re
from collections.abc import Iterable

from papers.review.check import CannotCheck, check
from papers.review.finding import Case, Finding, found

_COMPLAINT = re.compile(
    r"overfull|missing (?:character|glyph)|undefined (?:reference|citation)|not embedded|"
    r"multiply[- ]defined",
    re.IGNORECASE,
)


@check("typesetting", blocking=False, needs_build=True)
def typesetting(case: Case) -> Iterable[Finding]:
    """A line runs over the margin, a glyph is missing, or a reference stays undefined."""
    if case.problems is None:
        raise CannotCheck("the paper has not been built")
    for problem in case.problems:
        match = _COMPLAINT.search(problem)
        if match:
            small = match.group(0).lower() == "overfull"
            yield found(
                "paper.pdf",
                problem,
                "shorten the line or let it break",
                severity="minor" if small else "major",
            )
