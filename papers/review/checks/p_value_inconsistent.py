"""A p-value that its differences do not give."""

from __future__ import annotations

from collections.abc import Iterable

from papers.review.check import CannotCheck, check
from papers.review.finding import Case, Finding, found
from papers.review.retest import MOST_PAIRS, retest
from sandbox.records import ComparisonLine


@check("p_value_inconsistent")
def p_value_inconsistent(case: Case) -> Iterable[Finding]:
    """An exact p-value of a comparison differs from the one that its differences give."""
    lines = case.ledger.lines(ComparisonLine)
    if any(line.pairs > MOST_PAIRS for line in lines):
        raise CannotCheck(f"a comparison has more than {MOST_PAIRS} pairs, too many to enumerate")
    for flaw in retest(case.ledger, case.plans):
        if flaw.kind == "comparison" and flaw.field in ("p_support", "p_refute"):
            yield found(
                f"ledger, comparison {flaw.id}",
                flaw.sentence,
                "compare again from the same evidence",
            )
