"""A p-value that its differences do not give."""

from __future__ import annotations

from collections.abc import Iterable

from papers.review.check import check
from papers.review.finding import Case, Finding, found
from papers.review.retest import retest


@check("p_value_inconsistent")
def p_value_inconsistent(case: Case) -> Iterable[Finding]:
    """A p-value of a comparison differs from the one that its differences give."""
    for flaw in retest(case.ledger, case.plans):
        if flaw.kind == "comparison" and flaw.field in ("p_support", "p_refute"):
            yield found(
                f"ledger, comparison {flaw.id}",
                flaw.sentence,
                "compare again from the same evidence",
            )
