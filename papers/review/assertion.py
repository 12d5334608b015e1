"""What a passage asserts of the run, and whether a claim that it names carries that."""

from __future__ import annotations

from collections.abc import Callable

from papers.claim import Assertion, assertions
from papers.review.case import Case
from papers.review.passage import Passage
from sandbox.records import ClaimLine


def asserted(case: Case, passage: Passage) -> list[Assertion]:
    """Its assertions in its own words: a quoted hypothesis asserts nothing."""
    return assertions(case.own_words(passage.text), passage.lead)


def carried(case: Case, passage: Passage, by: Callable[[ClaimLine], tuple[str, ...]]) -> bool:
    """Whether it names a claim of the ledger that has such records."""
    claims = (case.ledger.find(ClaimLine, id) for id in passage.claims)
    return any(claim is not None and by(claim) for claim in claims)
