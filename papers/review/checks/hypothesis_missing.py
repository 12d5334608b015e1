"""A hypothesis that was stated and is not reported."""

from __future__ import annotations

from collections.abc import Iterable

from papers.manuscript import Paragraph
from papers.review.check import check
from papers.review.finding import Case, Finding, found
from sandbox.records import ComparisonLine, HypothesisLine


@check("hypothesis_missing")
def hypothesis_missing(case: Case) -> Iterable[Finding]:
    """A hypothesis of the ledger, be it refuted or untested, has no paragraph in the results."""
    compared: dict[str, list[str]] = {}
    for line in case.ledger.lines(ComparisonLine):
        compared.setdefault(line.hypothesis, []).append(line.id)
    written = [
        (section.label, section.title, block.text)
        for section in case.manuscript.sections
        if not section.appendix
        for block in section.blocks
        if isinstance(block, Paragraph) and block.text.strip()
    ]
    for hypothesis in case.ledger.lines(HypothesisLine):
        ids = (hypothesis.id, *compared.get(hypothesis.id, ()))
        told = any(
            label == f"sec:{hypothesis.id}"
            or title == hypothesis.title
            or (label.startswith("sec:h") and any(id in text for id in ids))
            for label, title, text in written
        )
        if not told:
            yield found(
                "sec:results",
                f"hypothesis {hypothesis.title!r} is not reported",
                f"add a section sec:{hypothesis.id} that says what was found, or that nothing was",
            )
