"""What a query means to the index: its words, its spellings, its synonyms."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

_SYNONYMS = Path(__file__).with_name("synonyms.yaml")
_EMPTY_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a about all an and any are as at be been between both by can could did do does for "
        "from get had has have how i if in into is it its just me my not of on only or our "
        "should so such than that the their them then there these they this those to too up "
        "use used uses using very vs was we were what when where whether which while who why "
        "will with without would you your et al one ones two three",
    )
)
_AMERICAN = re.compile(r"(?<=[a-z]{3})iz(?=(?:e|ed|es|er|ers|ing|ation|ations)\b)")
_CAMEL = re.compile(r"\b(?=\w*[a-z])([A-Z][a-z]+)([A-Z]\w*)\b")
_HYPHENATED = re.compile(r"\b([^\W_]+)-([^\W_]+)\b")
_LONGEST = 48


@dataclass(frozen=True)
class Query:
    """words: of the query, each once; others: expressions for the same things."""

    words: tuple[str, ...]
    others: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Query:
        """The query that a person typed; its first words only when it is very long."""
        said = _words(spelled(text))
        kept = tuple(dict.fromkeys(w for w in said if w not in _EMPTY_WORDS))[:_LONGEST]
        return cls(kept or tuple(dict.fromkeys(said)), _others(" ".join(said), frozenset(kept)))


def spelled(text: str) -> str:
    """The text in one spelling: British endings, compounds both joined and apart."""
    text = _HYPHENATED.sub(r"\1-\2 \1\2", text)
    text = _CAMEL.sub(r"\1\2 \1 \2", text)
    return _AMERICAN.sub("is", text.lower())


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text)


def _others(said: str, words: frozenset[str]) -> tuple[str, ...]:
    """Synonyms of what is said; not those that consist of the query's own words."""
    said = f" {_singular(said)} "
    found = [
        other
        for group in synonyms()
        if any(f" {_singular(one)} " in said for one in group)
        for other in group
        if not set(other.split()) <= words
    ]
    return tuple(dict.fromkeys(found))


def _singular(text: str) -> str:
    return re.sub(r"(?<=[a-z]{2})s\b", "", text)


@cache
def synonyms() -> tuple[tuple[str, ...], ...]:
    """The groups of synonyms.yaml, spelled as the index spells."""
    groups = yaml.safe_load(_SYNONYMS.read_text(encoding="utf-8"))
    return tuple(tuple(" ".join(_words(spelled(one))) for one in g["same"]) for g in groups)
