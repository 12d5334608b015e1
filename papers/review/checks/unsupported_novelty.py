"""A claim of being first, which nothing here can show."""

from __future__ import annotations

import re
from collections.abc import Iterable

from papers.claim import sentences
from papers.review.check import check
from papers.review.finding import Case, Finding, drop, found
from papers.review.passage import passages

_NOVELTY = re.compile(
    r"\b(?:novel|for the first time|(?:we are|the) first to|to (?:our|the best of our) knowledge|"
    r"never been (?:studied|shown|done)|groundbreaking|unprecedented|revolutionary)\b",
    re.IGNORECASE,
)


@check("unsupported_novelty", blocking=False)
def unsupported_novelty(case: Case) -> Iterable[Finding]:
    """The text claims novelty, which no search of the literature can establish."""
    for passage in passages(case.manuscript):
        for sentence in sentences(passage.text):
            match = _NOVELTY.search(re.sub(r"\{\{.*?\}\}", " ", sentence))
            if match and "{{cite" not in sentence:
                mend = drop(passage, sentence)
                what = f"{match.group(0)!r} cannot be known from this run"
                keep = passage.role not in ("paragraph", "item")
                where = passage.quote(match.group(0))
                fix = "say what was done, and cite the nearest works"
                yield found(where, what, fix, None if keep else mend)
