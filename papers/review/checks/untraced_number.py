"""A number that somebody typed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from papers.claim import sentences
from papers.review.check import check
from papers.review.finding import Case, Finding, drop, found
from papers.review.passage import Passage, passages

_WORDS = (
    "zero", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "hundred",
    "hundreds", "thousand", "thousands", "million", "millions", "billion", "dozen", "half",
    "twice",
)  # fmt: skip
NUMBER = re.compile(
    rf"(?<![\w.])[+\-\u2212]?\d[\d.,]*(?:e[+-]?\d+)?%?|\d|\b(?:{'|'.join(_WORDS)})\b", re.IGNORECASE
)
_YEAR = re.compile(r"\([^()]*\b(?:19|20)\d\d[a-z]?\)|\barXiv:\d{4}\.\d{4,5}(?:v\d+)?")


@check("untraced_number")
def untraced_number(case: Case) -> Iterable[Finding]:
    """A digit or a number word stands in the text without a reference to evidence."""
    names = known_names(case)
    for passage in passages(case.manuscript):
        words = _without(passage.words, names)
        if passage.role == "axis":
            words = re.sub(r"^seed \d+$", "", words)
        for match in NUMBER.finditer(words):
            yield _finding(passage, match.group(0))


def known_names(case: Case) -> list[str]:
    """Names that hold numbers: of tasks, roles, arms, hypotheses, the subject; longest first."""
    subject = case.facts.get("subject")
    names: set[str] = {line.title for line in case.hypotheses}
    if isinstance(subject, dict):
        names.add(str(subject.get("name", "")))
        for key in ("roles", "tasks"):
            for card in subject.get(key) or ():  # type: ignore[union-attr]
                if isinstance(card, dict):
                    names.update((str(card.get("name", "")), str(card.get("label", ""))))
        names.update(str(group) for group in subject.get("groups") or ())  # type: ignore[union-attr]
    for arm in case.arms.values():
        names.update((arm.name, arm.label))
    numbered = (name for name in names if NUMBER.search(name) or any(c.isdigit() for c in name))
    return sorted(numbered, key=len, reverse=True)


def named(words: str, names: Sequence[str]) -> list[str]:
    """The years of citations and the known names in these words: their digits need no evidence."""
    spans = [match.group(0) for match in _YEAR.finditer(words)]
    words = _YEAR.sub(" ", words)
    for name in names:
        pattern = rf"(?<!\w){re.escape(name)}(?!\w)"
        spans.extend(re.findall(pattern, words))
        words = re.sub(pattern, " ", words)
    return spans


def _without(words: str, names: list[str]) -> str:
    words = _YEAR.sub(" ", words)
    for name in names:
        words = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", " ", words)
    return words


def _finding(passage: Passage, number: str) -> Finding:
    sentence = next((s for s in sentences(passage.text) if number in s), "")
    mend = drop(passage, sentence)
    return found(
        passage.quote(number),
        f"{number!r} cites no evidence",
        "write a reference: {{mean:ARM/TASK/test|.3f}}, {{count:seeds|words}}, {{code:...}}",
        mend if sentence and passage.role in ("paragraph", "item") else None,
    )
