"""Whether sentences tell a finding as its test ruled: which way, of whom, and no more than that."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from agent.minds.language_model.names import NAME, WHOLE, Names
from papers.claim import VERBS, Assertion, bare, conditional, excused, licence, sentences
from sandbox.records import ClaimKind

_UP = re.compile(
    r"\b(?:better|superior|gains? over|ahead of|helps?|helped|improves?|improved|more accurate|"
    r"advantage over|wins?|won|benefits? from|dominat(?:es|ed)|prevail(?:s|ed)|excel(?:s|led)|"
    r"leads?(?! to)|leaves?\s+(?:\w+\s+)*behind|overtakes?|overtook)\b",
    re.IGNORECASE,
)
_DOWN = re.compile(
    r"\b(?:worse|inferior|loses? (?:to|against)|lost (?:to|against)|lags?|lagged|hurts?|"
    r"harm(?:s|ed)|"
    r"degrad(?:es|ed)|less accurate)\b",
    re.IGNORECASE,
)
_RULING = re.compile(r"\b(supported|refuted|inconclusive|undecided|confirmed|rejected)\b", re.I)
_CAME_TRUE = re.compile(
    r"\b(?:succeed(?:s|ed)?|success(?:es|ful|fully)?|holds?(?! ?out)|held(?![- ]out)|"
    r"c(?:ame|omes?) true|as (?:predicted|expected|hoped)|b(?:ears?|ore|orne) out|validat(?:es|ed)|"
    r"vindicat(?:es|ed)|correct(?:ly)?|right)\b",
    re.IGNORECASE,
)
"""That a prediction came true, in other words than a ruling's."""
_VALUE = re.compile(r"\{\{\s*([A-Z]+)\.effect\s*\}\}")
_MEANS = {"confirmed": "supported", "rejected": "refuted", "undecided": "inconclusive"}
_ASSERTS: tuple[tuple[ClaimKind, re.Pattern[str]], ...] = (
    *(
        (kind, re.compile(rf"\b(?:{'|'.join(VERBS[kind])})\b", re.IGNORECASE))
        for kind in ("superiority", "null", "equivalence")
    ),
    ("superiority", _UP),
    ("null", _DOWN),
)
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
        yield from _values(sentence, names.spoken_of(apart), names)
        for letter in spoken:
            yield from _of_finding(sentence, letter, names)


def _unnamed(sentence: str) -> Iterator[str]:
    """A comparison or a ruling that names no finding."""
    if "{{cite" in sentence:
        return
    for assertion in _asserted(sentence):
        yield f"{assertion.phrase!r} compares: say of which hypothesis, by a name, or do not say it"
    for word, _ in _rulings(sentence):
        yield f"{word!r} is a ruling: say of which hypothesis, by a name"


def _values(sentence: str, all_spoken: Sequence[str], names: Names) -> Iterator[str]:
    """A value that a reader would take for another finding's."""
    for found in _VALUE.finditer(sentence):
        letter = found.group(1)
        rest = sentence.replace(found.group(0), " ")
        others = [other for other in names.spoken_of(rest) if other != letter]
        alone = letter not in names.spoken_of(rest) and set(all_spoken) != {letter}
        if others or alone:
            yield (
                f"{found.group(0)} stands where another finding is spoken of: give it a sentence "
                f"that names {letter} and no other"
            )


def _of_finding(sentence: str, letter: str, names: Names) -> Iterator[str]:
    finding = names.findings[letter]
    allowed = licence(names.story.ledger, names.story.claims(finding))
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
    if ruled != "supported" and not sentence.endswith("?"):
        plain = bare(sentence)
        for found in _CAME_TRUE.finditer(plain):
            if found.group(0).startswith(("as ", "As ")) or not excused(plain, found.start()):
                yield f"{found.group(0)!r} is said of {letter}, which is {finding.ruling}"


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
    """What a sentence asserts, by the review's verbs and some more; a question asserts nothing.

    A verb is excused by what stands before it in its own clause alone, so that a word such as
    `should` or `no doubt` somewhere else in the sentence excuses nothing.
    """
    if sentence.endswith("?"):
        return []
    plain = bare(sentence)
    return [
        Assertion(kind, found.group(0), sentence)
        for kind, pattern in _ASSERTS
        for found in pattern.finditer(plain)
        if not excused(plain, found.start())
    ]


def _rulings(sentence: str) -> Iterator[tuple[str, bool]]:
    """Words for rulings, each with whether it is negated; of one that may come it tells nothing."""
    plain = bare(sentence)
    for found in _RULING.finditer(plain):
        if conditional(plain, found.start()):
            continue
        before = plain[: found.start()]
        yield (
            found.group(1).lower(),
            re.search(r"\b(?:not|neither|nor|never)\W+(?:\w+\W+){0,2}$", before) is not None,
        )


def _apart(found: re.Match[str]) -> str:
    """Whole sentences tell themselves: nothing around them is told of them."""
    return ". " if found.group(1).split(".")[1] in WHOLE else found.group(0)
