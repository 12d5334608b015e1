"""A claim that goes beyond its verdict."""

from __future__ import annotations

from collections.abc import Iterable

from papers.claim import assertions, licence, unearned
from papers.review.assertion import asserted, carried
from papers.review.check import check
from papers.review.finding import Case, Finding, drop, found
from papers.review.passage import Passage, passages, prose
from sandbox.records import ClaimLine, VerdictLine


@check("overclaim")
def overclaim(case: Case) -> Iterable[Finding]:
    """A refuted or open result is told as a positive one, or a claim's kind is not earned."""
    for passage in prose(case.manuscript):
        for id in passage.claims:
            claim = case.ledger.find(ClaimLine, id)
            if claim is None:
                what = f"the paragraph states claim {id}, which the ledger does not hold"
                yield found(passage.quote(), what, "state claims of the ledger only")
            elif unearned(case.ledger, claim):
                what = f"claim {id} is one of {claim.claim}, but {unearned(case.ledger, claim)}"
                yield found(passage.quote(), what, "state what the verdict says")
        yield from _beyond(case, passage)
    yield from _title(case)


def _beyond(case: Case, passage: Passage) -> Iterable[Finding]:
    if not carried(case, passage, lambda claim: claim.verdicts):
        return
    allowed = licence(case.ledger, passage.claims)
    for assertion in asserted(case, passage):
        if assertion.kind in allowed or (assertion.kind == "null" and "superiority" in allowed):
            continue
        mend = drop(passage, assertion.sentence)
        yield found(
            passage.quote(assertion.phrase),
            f"{assertion.phrase!r} claims {assertion.kind}, the verdicts allow "
            f"{', '.join(sorted(allowed))}",
            "say what the verdict says",
            mend,
        )


def _title(case: Case) -> Iterable[Finding]:
    supported = any(v.ruling == "supported" for v in case.ledger.lines(VerdictLine))
    for passage in passages(case.manuscript):
        if passage.role == "title" and not supported and not passage.text.rstrip().endswith("?"):
            for assertion in assertions(passage.text):
                what = f"the title says {assertion.phrase!r} and no hypothesis is supported"
                yield found("title", what, "name the question, not an answer")
