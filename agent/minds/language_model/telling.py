"""Whether sentences tell a finding as its test ruled: which way, of whom, and no more than that."""

from __future__ import annotations

import re
from collections.abc import Iterator

from agent.minds.language_model.names import NAME, WHOLE, Names
from papers.claim import Assertion, assertions, is_open, licence, sentences
from sandbox.records import ClaimKind

_UP = re.compile(
    r"\b(?:better|superior|gains? over|ahead of|helps?|helped|improves?|improved|more accurate|"
    r"advantage over|wins?|won|benefits? from)\b",
    re.IGNORECASE,
)
_DOWN = re.compile(
    r"\b(?:worse|inferior|loses? (?:to|against)|lost (?:to|against)|lags?|lagged|hurts?|"
    r"harm(?:s|ed)|"
    r"degrad(?:es|ed)|less accurate)\b",
    re.IGNORECASE,
)
_RULING = re.compile(r"\b(supported|refuted|inconclusive|undecided|confirmed|rejected)\b", re.I)
_MEANS = {"confirmed": "supported", "rejected": "refuted", "undecided": "inconclusive"}
_NEGATED = re.compile(r"\b(?:not|no|never|neither|nor|cannot|without|rather than)\b", re.IGNORECASE)
_BEATEN = re.compile(
    r"\b(?:beaten|outperformed|surpassed|exceeded|improved (?:on|upon)) by\b", re.IGNORECASE
)


def misstated(text: str, names: Names) -> Iterator[str]:
    """What a paragraph, as the model typed it, tells otherwise than the record."""
    apart = NAME.sub(_apart, text)
    for sentence in sentences(apart):
        spoken = names.spoken_of(sentence)
        if not spoken:
            yield from _unnamed(sentence)
        for letter in spoken:
            yield from _of_finding(sentence, letter, names)


def _unnamed(sentence: str) -> Iterator[str]:
    """A comparison or a ruling that names no finding."""
    if "{{cite" in sentence:
        return
    for assertion in () if is_open(sentence) else _asserted(sentence):
        yield f"{assertion.phrase!r} compares: say of which hypothesis, by a name, or do not say it"
    for word, _ in _rulings(sentence):
        yield f"{word!r} is a ruling: say of which hypothesis, by a name"


def _of_finding(sentence: str, letter: str, names: Names) -> Iterator[str]:
    finding = names.findings[letter]
    allowed = licence(names.story.ledger, names.story.claims(finding))
    if not is_open(sentence):
        for assertion in _asserted(sentence):
            if assertion.kind == "null" and "superiority" in allowed:
                first = "control"
            elif assertion.kind in allowed:
                first = "treatment"
            else:
                yield (
                    f"{assertion.phrase!r} is said of {letter}, which is {finding.ruling}: "
                    f"its test allows {', '.join(sorted(allowed))} alone"
                )
                continue
            yield from _order(sentence, letter, first, assertion.phrase, names)
    ruled = "inconclusive" if finding.ruling == "untested" else finding.ruling
    for word, negated in _rulings(sentence):
        if (_MEANS.get(word, word) == ruled) == negated:
            said = f"not {word}" if negated else word
            yield f"{letter} is said to be {said}; it is {finding.ruling}"


def _order(sentence: str, letter: str, first: str, phrase: str, names: Names) -> Iterator[str]:
    """Who is said to be ahead: the side before the verb, or after it in the passive."""
    places = {side: _place(sentence, letter, side, names) for side in ("treatment", "control")}
    if min(places.values()) < 0:
        return
    if _BEATEN.search(sentence):
        first = {"treatment": "control", "control": "treatment"}[first]
    second = {"treatment": "control", "control": "treatment"}[first]
    if places[first] > places[second]:
        yield f"{phrase!r} is told the wrong way round of {letter}: the {first} comes first"


def _place(sentence: str, letter: str, side: str, names: Names) -> int:
    """Where a side stands, by its name or its label; -1 where it does not."""
    at = sentence.find(f"{letter}.{side}")
    plan = names.findings[letter].plan
    if at >= 0 or plan is None:
        return at
    label = (plan.test.treatment if side == "treatment" else plan.test.control).label
    return sentence.lower().find(label.lower())


def _asserted(sentence: str) -> list[Assertion]:
    """What the review takes for an assertion, and what this reader takes for one beside that."""
    found = assertions(sentence)
    if is_open(sentence) or _NEGATED.search(sentence) or "{{cite" in sentence:
        return found
    plain = re.sub(r"\{\{.*?\}\}", " ", sentence)
    more: list[tuple[ClaimKind, re.Pattern[str]]] = [("superiority", _UP), ("null", _DOWN)]
    for kind, pattern in more:
        found += [Assertion(kind, m.group(0), sentence) for m in pattern.finditer(plain)]
    return found


def _rulings(sentence: str) -> Iterator[tuple[str, bool]]:
    """Words for rulings, each with whether it is negated; questions hold none."""
    plain = re.sub(r"\{\{.*?\}\}", " ", sentence)
    if sentence.endswith("?") or re.search(r"\b(?:would|whether|if)\b", plain, re.IGNORECASE):
        return
    for found in _RULING.finditer(plain):
        before = plain[: found.start()]
        yield (
            found.group(1).lower(),
            re.search(r"\b(?:not|neither|nor|never)\W+(?:\w+\W+){0,2}$", before) is not None,
        )


def _apart(found: re.Match[str]) -> str:
    """Whole sentences tell themselves: nothing around them is told of them."""
    return ". " if found.group(1).split(".")[1] in WHOLE else found.group(0)
