"""A ruling told otherwise than it was made, or made otherwise than the rule says."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from papers.claim import bare, conditional, sentences
from papers.review.check import check
from papers.review.finding import Case, Finding, drop, found
from papers.review.passage import Passage, passages
from papers.review.retest import misruled
from sandbox.records import ClaimLine, VerdictLine

_RULING = re.compile(r"\b(supported|refuted|inconclusive)\b", re.IGNORECASE)
_COUNT = re.compile(
    r"(none|\{\{count:[^{}]*\}\})\s+(?:of them\s+)?(?:(?:is|are|left)\s+)?$", re.IGNORECASE
)
_CONDITION = re.compile(r"\s+(?:only )?(?:if|when|unless|by)\b", re.IGNORECASE)


@check("verdict_mismatch")
def verdict_mismatch(case: Case) -> Iterable[Finding]:
    """The text calls a hypothesis supported, refuted or inconclusive and its verdict is another."""
    for verdict in misruled(case.ledger, case.plans):
        yield found(
            f"ledger, verdict {verdict.id}",
            f"it rules {verdict.ruling}, the frozen rule gives another ruling",
            "rule again from the comparison",
        )
    rulings = {verdict.hypothesis: verdict.ruling for verdict in case.ledger.lines(VerdictLine)}
    told = {str(ruling) for ruling in rulings.values()}
    for passage in passages(case.manuscript):
        hypothesis = _hypothesis(case, passage)
        if hypothesis in rulings and passage.role in ("paragraph", "item"):
            yield from _told(passage, str(rulings[hypothesis]), told)
        elif hypothesis and hypothesis not in rulings and passage.role in ("paragraph", "item"):
            yield from _told(passage, "untested", told)


def _hypothesis(case: Case, passage: Passage) -> str:
    """The one hypothesis that the passage is about, "" when there is none or several."""
    about = {
        claim.hypothesis
        for id in passage.claims
        if (claim := case.ledger.find(ClaimLine, id)) is not None and claim.hypothesis
    }
    if about:
        return about.pop() if len(about) == 1 else ""
    for line in case.hypotheses:
        if passage.section == f"sec:{line.id}" or case.titles.get(passage.section) == line.title:
            return line.id
    return ""


def _told(passage: Passage, ruled: str, all_rulings: Collection[str]) -> Iterable[Finding]:
    for sentence in sentences(passage.text):
        plain = bare(sentence)
        for match in _RULING.finditer(plain):
            word, before = match.group(1).lower(), plain[: match.start()]
            negated = re.search(r"\b(?:not|neither|nor|never)\W+(?:\w+\W+){0,2}$", before)
            wrong = (word == ruled) if negated else (word != ruled)
            if not wrong or (_is_open(plain, match) and not negated):
                continue
            if _is_count(sentence[: match.start()], word, all_rulings):
                continue
            mend = drop(passage, sentence)
            said = f"{'not ' if negated else ''}{word}"
            fix = f"say that it is {ruled}"
            yield found(passage.quote(match.group(0)), f"it says {said}, it is {ruled}", fix, mend)


def _is_count(before: str, word: str, all_rulings: Collection[str]) -> bool:
    """Whether it tells of how many hypotheses: a reference does, and `none` where it is true."""
    counted = _COUNT.search(before)
    return counted is not None and (counted.group(1).lower() != "none" or word not in all_rulings)


def _is_open(plain: str, word: re.Match[str]) -> bool:
    """Whether it tells when a hypothesis is so ruled, not that this one is."""
    return conditional(plain, word.start()) or _CONDITION.match(plain, word.end()) is not None
