"""A paper that does not say what it cannot show."""

from __future__ import annotations

from collections.abc import Iterable

from papers.manuscript import Items, Paragraph
from papers.review.check import check
from papers.review.finding import Case, Finding, found

LEAST_WORDS = 20


@check("limitations_missing")
def limitations_missing(case: Case) -> Iterable[Finding]:
    """There is no section on limitations, or it says next to nothing."""
    sections = [
        section
        for section in case.manuscript.sections
        if section.label == "sec:limitations" or "limitation" in section.title.lower()
    ]
    words = 0
    for section in sections:
        for block in section.blocks:
            if isinstance(block, Paragraph):
                words += len(block.text.split())
            elif isinstance(block, Items):
                words += sum(len(item.split()) for item in block.items)
    if words < LEAST_WORDS:
        what = "the limitations are not stated" if not words else "the limitations say too little"
        fix = "say what the models, tasks and tests of this run cannot show"
        yield found("sec:limitations", what, fix)
