"""What TeX complained about."""

from __future__ import annotations

import re
from collections.abc import Iterable

from papers.review.check import CannotCheck, check
from papers.review.finding import Case, Finding, found

VISIBLE_PT = 10.0
_OVERFULL = re.compile(r"overfull box(?:: ([\d.]+) pt)?", re.IGNORECASE)
_COMPLAINT = re.compile(
    r"missing (?:character|glyph)|undefined (?:reference|citation)|not embedded|bibliography:",
    re.IGNORECASE,
)


@check("typesetting", blocking=False, needs_build=True)
def typesetting(case: Case) -> Iterable[Finding]:
    """A line runs over the margin, a glyph is missing, or a reference stays undefined."""
    if case.problems is None:
        raise CannotCheck("the paper has not been built")
    for problem in case.problems:
        overfull = _OVERFULL.search(problem)
        if overfull:
            small = float(overfull.group(1) or 0) < VISIBLE_PT
            fix = "shorten the line or let it break"
            yield found("paper.pdf", problem, fix, severity="minor" if small else "major")
        elif _COMPLAINT.search(problem):
            yield found("paper.pdf", problem, "mend the text that it names", severity="major")
        elif problem.startswith("PDF not built"):
            fix = "install what it names and build again"
            yield found("paper.pdf", problem, fix, severity="minor")
