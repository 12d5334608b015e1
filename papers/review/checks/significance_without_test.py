"""A comparative claim that no test carries."""

from __future__ import annotations

from collections.abc import Iterable

from papers.claim import assertions
from papers.review.check import check
from papers.review.finding import Case, Finding, Mend, found
from papers.review.passage import prose
from sandbox.records import ClaimLine


@check("significance_without_test")
def significance_without_test(case: Case) -> Iterable[Finding]:
    """A sentence says better, worse or equal, and its paragraph states no tested claim."""
    for passage in prose(case.manuscript):
        claims = [case.ledger.find(ClaimLine, id) for id in passage.claims]
        if any(claim is not None and claim.verdicts for claim in claims):
            continue
        for assertion in assertions(case.own_words(passage.text), passage.lead):
            mend = Mend(
                action="drop-sentence",
                section=passage.section,
                block=passage.block,
                old=assertion.sentence,
            )
            yield found(
                passage.quote(assertion.phrase),
                f"{assertion.phrase!r} needs a test, and no claim of this paragraph has one",
                "name the claim that carries it, or only describe the values",
                mend,
            )
