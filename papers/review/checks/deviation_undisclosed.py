"""What was done otherwise than planned, and not said."""

from __future__ import annotations

from collections.abc import Iterable

from papers.review.check import check
from papers.review.finding import Case, Finding, Mend, found
from papers.review.passage import every_reference, passages
from sandbox.records import DeviationLine


@check("deviation_undisclosed")
def deviation_undisclosed(case: Case) -> Iterable[Finding]:
    """A deviation from a frozen plan is recorded in the ledger and the paper does not print it."""
    used = {reference.expression for _, reference in every_reference(case.manuscript)}
    text = " ".join(passage.text for passage in passages(case.manuscript))
    appendix = [section.label for section in case.manuscript.sections if section.appendix]
    section = "sec:deviations" if "sec:deviations" in appendix else "sec:limitations"
    for line in case.ledger.lines(DeviationLine):
        if f"deviation:{line.id}" in used or line.what in text:
            continue
        sentence = f"Deviation from the plan: {{{{deviation:{line.id}|text}}}}."
        yield found(
            section,
            f"the paper does not say that {line.what} ({line.why})",
            f"print {{{{deviation:{line.id}|text}}}}",
            Mend(action="add-paragraph", section=section, new=sentence),
        )
