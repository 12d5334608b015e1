"""A conclusion from too few seeds."""

from __future__ import annotations

from collections.abc import Iterable

from papers.claim import least_pairs
from papers.review.assertion import asserted, carried
from papers.review.check import check
from papers.review.finding import Case, Finding, drop, found
from papers.review.passage import prose, quoted
from sandbox.records import ComparisonLine, VerdictLine


@check("one_seed_conclusion")
def one_seed_conclusion(case: Case) -> Iterable[Finding]:
    """A conclusion rests on one seed, or on too few for any test to reach its level."""
    for verdict in case.ledger.lines(VerdictLine):
        line = case.ledger.find(ComparisonLine, verdict.comparison)
        least = least_pairs(verdict.alpha, 1)
        if verdict.ruling != "inconclusive" and line is not None and line.pairs < least:
            few = "one pair" if line.pairs == 1 else f"{line.pairs} pairs"
            what = f"it rules {verdict.ruling} on {few}, a test needs {least}"
            fix = "rule inconclusive, or run more seeds under a new plan"
            yield found(f"ledger, verdict {verdict.id}", what, fix)
    for passage in prose(case.manuscript):
        if carried(case, passage, lambda claim: claim.comparisons):
            continue
        for assertion in asserted(case, passage):
            values = [q for q in quoted(passage) if f"{{{{{q.body}}}}}" in assertion.sentence]
            if values and all(q.source in ("at", "ev") for q in values):
                mend = drop(passage, assertion.sentence)
                yield found(
                    passage.quote(assertion.phrase),
                    f"{assertion.phrase!r} rests on single seeds",
                    "quote the paired comparison over all seeds",
                    mend,
                )
