"""An accuracy that no count of right answers gives."""

from __future__ import annotations

from collections.abc import Iterable

from papers.review.check import check
from papers.review.finding import Case, Finding, found
from papers.review.retest import retest


@check("granularity")
def granularity(case: Case) -> Iterable[Finding]:
    """An accuracy times its number of items is no whole number, or not the recorded count."""
    for flaw in retest(case.ledger, case.plans):
        if flaw.kind == "evidence":
            yield found(
                f"ledger, evidence {flaw.id}", flaw.sentence, "score the trial's predictions again"
            )
