"""A conclusion from too few seeds."""

from __future__ import annotations

from collections.abc import Iterable

from papers.claim import assertions, least_pairs
from papers.review.check import check
from papers.review.finding import Case, Finding, Mend, found
from papers.review.passage import prose, quoted
from sandbox.records import ClaimLine, ComparisonLine, VerdictLine


@check("one_seed_conclusion")
def one_seed_conclusion(case: Case) -> Iterable[Finding]:
    """A conclusion rests on one seed, or on too few for any test to reach its level."""
    for verdict in case.ledger.lines(VerdictLine):
        line = case.ledger.find(ComparisonLine, verdict.comparison)
        least = least_pairs(verdict.alpha, 1)
        if verdict.ruling != "inconclusive" and line is not None and line.pairs < least:
            what = f"it rules {verdict.ruling} on {line.pairs} pairs, a test needs {least}"
            fix = "rule inconclusive, or run more seeds under a new plan"
            yield found(f"ledger, verdict {verdict.id}", what, fix)
    for passage in prose(case.manuscript):
        claims = [case.ledger.find(ClaimLine, id) for id in passage.claims]
        if any(claim is not None and claim.comparisons for claim in claims):
            continue
        for assertion in assertions(passage.text):
            values = [q for q in quoted(passage) if f"{{{{{q.body}}}}}" in assertion.sentence]
            if values and all(q.source in ("at", "ev") for q in values):
                mend = Mend(
                    action="drop-sentence",
                    section=passage.section,
                    block=passage.block,
                    old=assertion.sentence,
                )
                yield found(
                    passage.quote(assertion.phrase),
                    f"{assertion.phrase!r} rests on single seeds",
                    "quote the paired comparison over all seeds",
                    mend,
                )
