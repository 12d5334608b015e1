"""A comparative claim that no test carries."""

from __future__ import annotations

from collections.abc import Iterable

from papers.review.assertion import asserted, carried
from papers.review.check import check
from papers.review.finding import Case, Finding, drop, found
from papers.review.passage import prose


@check("significance_without_test")
def significance_without_test(case: Case) -> Iterable[Finding]:
    """A sentence says better, worse or equal, and its paragraph states no tested claim."""
    for passage in prose(case.manuscript):
        if carried(case, passage, lambda claim: claim.verdicts):
            continue
        for assertion in asserted(case, passage):
            mend = drop(passage, assertion.sentence)
            yield found(
                passage.quote(assertion.phrase),
                f"{assertion.phrase!r} needs a test, and no claim of this paragraph has one",
                "name the claim that carries it, or only describe the values",
                mend,
            )
