"""Numbers as they are printed, and the account of where each of them comes from."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

MINUS = "\N{MINUS SIGN}"
NUMBER_WORDS = (
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
)  # fmt: skip
_UNSETTABLE = re.compile(r"\[U\+[0-9A-F]{4,6}\]")
_TOKEN = re.compile(
    rf"[+{MINUS}]?\d+(?:[.,]\d+)*|(?<![A-Za-z])(?:{'|'.join(NUMBER_WORDS)})(?![A-Za-z])",
    re.IGNORECASE,
)
_RUN = re.compile(r"\d+")

Need = Literal["evidence", "exact", "loose", "typed"]


@dataclass(frozen=True)
class Expected:
    """A number that the manuscript prints.

    need: `evidence` must be there, `exact` is there once (a table's number), `loose` may be there
    (a year), `typed` stands in the prose without a source. before: the words in front of it, by
    which its place in the print is recognised. counted: the number of a list item, which a page
    counts by itself.
    """

    token: str
    need: Need
    place: str
    before: str = ""
    counted: bool = False


@dataclass(frozen=True)
class Reckoning:
    """untraced: printed and not accounted for. altered: accounted for and not printed, by place.

    typed: printed as the manuscript types it, without a source.
    """

    untraced: tuple[str, ...]
    altered: tuple[Expected, ...]
    typed: tuple[str, ...] = ()


def normal(text: str) -> str:
    """Ligatures opened, every kind of minus made one, characters without a glyph left out."""
    text = unicodedata.normalize("NFKC", text).replace("\N{SOFT HYPHEN}", "")
    text = _UNSETTABLE.sub(" ", text)
    return re.sub(r"[\u2212\u207b\ufe63]", MINUS, text)


def tokens(text: str) -> list[str]:
    """The numbers of a text in order: digits with sign and points, and small number words."""
    return [match.lower() for match in _TOKEN.findall(normal(text))]


def runs(text: str) -> list[str]:
    """The runs of digits of a text."""
    return _RUN.findall(normal(text))


def reckon(expected: Sequence[Expected], text: str) -> Reckoning:
    """Reconcile what is expected with the printed text."""
    printed = tokens(re.sub(r"(?<=[a-z])-\n(?=[a-z])", "", normal(text)))
    spaced = tokens(text)
    allowed = Counter(item.token for item in expected if item.need != "typed")
    needed = Counter(item.token for item in expected if item.need in ("evidence", "exact"))
    seen = Counter(printed)
    surplus = (seen & Counter(spaced)) - allowed
    shortage = needed - (seen | Counter(spaced))
    _mend_breaks(printed, surplus, shortage)
    loose = Counter(item.token for item in expected if item.need == "loose")
    for token in list(surplus):
        bare = token.lstrip(f"+{MINUS}")
        if bare != token and loose[bare]:
            surplus[token] -= min(surplus[token], loose[bare])
    typed, untraced = [], []
    for token, times in sorted((+surplus).items()):
        places = [
            f"{token} ({e.place})" for e in expected if e.need == "typed" and e.token == token
        ]
        typed.extend(places[:times])
        untraced.extend([_with_context(token, text)] * (times - len(places)))
    return Reckoning(tuple(untraced), _missing(expected, +shortage, text), tuple(typed))


def _mend_breaks(printed: Sequence[str], surplus: Counter[str], shortage: Counter[str]) -> None:
    """A number broken over lines is printed in pieces, one after the other; two may be joined."""
    for token in list(shortage):
        pieces = re.findall(rf"[+{MINUS}]?\d+", token)
        for at in range(len(printed) - len(pieces) + 1):
            if not shortage[token] or len(pieces) < 2:
                break
            if list(printed[at : at + len(pieces)]) == pieces and all(surplus[p] for p in pieces):
                surplus.subtract(pieces)
                shortage[token] -= 1
    for token in list(surplus):
        for first in list(shortage):
            second = token.removeprefix(first)
            if surplus[token] > 0 and second != token and shortage[first] > 0 < shortage[second]:
                surplus[token] -= 1
                shortage.subtract((first, second))


def _missing(
    expected: Sequence[Expected], shortage: Counter[str], text: str
) -> tuple[Expected, ...]:
    """The places whose number is not there with the words in front of it, else all candidates."""
    flat = _flat(text)
    found: list[Expected] = []
    for token, times in sorted(shortage.items()):
        needed = [e for e in expected if e.token == token and e.need in ("evidence", "exact")]
        lost = [e for e in needed if _flat(e.before + token) not in flat]
        found.extend((lost or needed)[: max(times, 1)])
    return tuple(found)


def _with_context(token: str, text: str) -> str:
    """The number with the words around its first appearance."""
    plain = " ".join(normal(text).split())
    pattern = rf"(?<![\w.,{MINUS}+]){re.escape(token)}(?![\w]|[.,]\d)"
    match = re.search(pattern, plain, re.IGNORECASE)
    if match is None:
        return token
    around = plain[max(0, match.start() - 40) : match.end() + 25].strip()
    return f"{token} in '...{around}...'"


def _flat(text: str) -> str:
    return re.sub(r"[\s\-\N{HYPHEN}]", "", normal(text)).lower()
