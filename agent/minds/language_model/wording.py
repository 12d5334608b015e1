"""What a model's prose may not hold, whatever a review would find: each fault in one sentence."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from agent.minds.language_model.names import NAME, WHOLE, Names
from papers.claim import sentences, supposed
from papers.mathematics import checked
from papers.prose import Cite, Code, Math, Plain, Ref, Reference, pieces, unclosed
from papers.review.checks.untraced_number import NUMBER
from sandbox.errors import PaperError, UnknownName
from tools.literature.library import Library

_SPELLED = ("three", "seven", "eight", "nine", "teen", "twenty", "forty", "fifty", "hundred")
"""Parts of number words that hide between the letters of a formula."""
LEAST, MOST = 40, 1800
"""Characters of a paragraph."""
MOST_HEADING = 60
_AMOUNT = re.compile(
    r"%|\bper ?cent\w*|\bpercentage\w*|\b\w*fold\b|\b(?:doubl|tripl|quadrupl|halv)\w+|"
    r"\borders? of magnitude\b|\b(?:once|thrice)\b|"
    r"\b(?:an?|one) (?:third|quarter|fifth|sixth|eighth|tenth)\b|"
    r"\b(?:thirds|quarters|fifths|tenths)\b|\b(?:handful|couple) of\b|"
    r"\b(?:perfect|flawless|full) (?:score|accuracy|marks)\b|\bflawless(?:ly)?\b|"
    r"\b(?:all|every|each|no|any|none of the|most|few) (?:of (?:the|its) )?"
    r"(?:answers?|items?|questions)\b",
    re.IGNORECASE,
)
_ROMAN = re.compile(
    r"\b(?=[IVXLCDM]{3,}\b)M*(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})\b"
)
_MARKUP = re.compile(
    r"\\|\*\*|__|```|^\s*#|^\s*[-*] |<[\w/!?]|&#?\w+;|https?:|javascript:|\[\[|\$",
    re.MULTILINE | re.IGNORECASE,
)
_ADDRESSED = re.compile(
    r"\byou(?:r|rs|rself)?\b|\b(?:reviewers?|referees?)\b|\bsystem prompt\b|"
    r"\b(?:ignore|disregard|overlook|forget|override|bypass)\b[^.;]*?\b(?:findings?|"
    r"instructions?|rules?|checks?|reviews?|guidelines?|prompts?|warnings?)\b|"
    r"\b(?:accept|approve|publish) th(?:is|e) (?:paper|study|work|submission)\b",
    re.IGNORECASE,
)
_VOUCHED = re.compile(
    r"\b(?:approved|endorsed|certified|audited|peer[- ]reviewed|"
    r"independently (?:verified|replicated|reproduced|confirmed))\b",
    re.IGNORECASE,
)
_NEW = re.compile(
    r"\bnovel(?:ty)?\b|\b(?:nobody|no one) (?:else )?(?:has|had|did|ever)\b|\bnever before\b|"
    r"\bno (?:other|earlier|previous|prior|existing) (?:work|study|studies|paper|one|research)\b|"
    r"\b(?:groundbreaking|unprecedented|revolutionary|breakthrough|pioneer\w*)\b|"
    r"\bfor the first time\b|\b(?:we are|is|are) the first\b",
    re.IGNORECASE,
)
_ONE_SEED = re.compile(
    r"(?<!by )(?<!per )(?<!random )\bseed\b|"
    r"\b(?:un)?(?:lucky|luckiest|best|good|bad|favou?rable|fortunate) seeds\b",
    re.IGNORECASE,
)
_DEED = re.compile(
    r"\b(?:we|our (?:experiments?|runs?|study|results?|tests?)|this (?:study|run|work|paper))\b"
    r"[^.;]*?\b(?:ran|trained|evaluated|measured|tested|compared|tuned|annotated|observed|saw|"
    r"obtained|found|find|show(?:s|ed|n)?|achiev(?:es?|ed)|confirm(?:s|ed)?|collected|surveyed)\b",
    re.IGNORECASE,
)
_SAID_WRONGLY = (
    (_ADDRESSED, "speaks to a reader: speak of the study"),
    (_VOUCHED, "is nothing that the record of this run says"),
    (_NEW, "cannot be known from this run: say what was done"),
    (_ONE_SEED, "tells of a seed, and a result is one over all of them"),
)


def faults(text: str, names: Names, library: Library) -> Iterator[str]:
    """What is wrong with a paragraph as the model typed it, its names not yet filled in."""
    filled = any(name.split(".")[1] in WHOLE for name in NAME.findall(text))
    if not (0 if filled else LEAST) <= len(text.strip()) <= MOST:
        yield f"a paragraph has {len(text.strip())} characters; write {LEAST} to {MOST}"
    yield from _characters(text)
    if unclosed(text):
        yield f"a brace pair is not closed: {_quote(text)}"
    for piece in pieces(text):
        if isinstance(piece, Plain):
            yield from _words(piece.text)
        elif isinstance(piece, Math):
            yield from _mathematics(piece.tex)
        elif isinstance(piece, Cite):
            yield from _works(piece.keys, library)
        else:
            yield from _name(piece, names)
    yield from _whole(text)
    yield from unfounded(_plain(text))
    for sentence in sentences(NAME.sub(_bounded, text)):
        deed = _DEED.search(sentence)
        if deed and not supposed(sentence, deed.end()) and "{{" not in sentence:
            yield f"say with a name from the list what this rests on: {_quote(sentence)}"


def heading_faults(heading: str) -> Iterator[str]:
    """What is wrong with a run-in heading."""
    if len(heading) > MOST_HEADING or "{{" in heading or "$" in heading:
        yield f"a heading is a few plain words: {_quote(heading)}"
    yield from _characters(heading)
    yield from _words(heading)
    yield from unfounded(heading)


def numbers(text: str) -> list[str]:
    """Numbers and amounts that somebody typed."""
    found = [match.group(0) for match in NUMBER.finditer(text)]
    found += [match.group(0) for match in (*_AMOUNT.finditer(text), *_ROMAN.finditer(text))]
    return found + [c for c in text if c.isnumeric() and c not in "0123456789"]


def plain_faults(text: str, what: str, most: int) -> Iterator[str]:
    """What is wrong with a short text of plain words, as a label or a title is."""
    if not text.strip() or len(text) > most:
        yield f"the {what} has {len(text)} characters; write at most {most}"
    if "{{" in text or "}}" in text:
        yield f"the {what} holds references: {_quote(text)}"
    yield from _characters(text)
    yield from _words(text)


def _characters(text: str) -> Iterator[str]:
    for letter in text:
        if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Cn") and letter != "\n":
            yield f"a control character stands in the text: U+{ord(letter):04X}"
            return
        if not letter.isascii() and not _is_printed(letter):
            yield f"a letter that is not of the Latin alphabet: U+{ord(letter):04X}"
            return


def _is_printed(letter: str) -> bool:
    """Whether a paper's prose needs it: letters of other alphabets pass for Latin ones."""
    kind = unicodedata.category(letter)
    if kind[0] == "L":
        latin = unicodedata.name(letter, "").startswith("LATIN ")
        return latin and unicodedata.normalize("NFKC", letter) == letter
    return kind[0] != "M"


def _words(text: str) -> Iterator[str]:
    for number in numbers(text)[:3]:
        yield f"{number!r} is a number that somebody typed: name a value instead, or leave it out"
    found = _MARKUP.search(text)
    if found:
        yield f"markup in the text, {found.group(0)!r}: write plain words, mathematics within $...$"


def unfounded(text: str) -> Iterator[str]:
    """What no text of a paper may say, whatever its numbers: no record could back it."""
    for pattern, why in _SAID_WRONGLY:
        if found := pattern.search(text):
            yield f"{found.group(0)[:60]!r} {why}"


def _mathematics(tex: str) -> Iterator[str]:
    spelled = re.sub(r"\\[A-Za-z]+|[^a-z]", "", tex.lower())
    if numbers(tex) or any(word in spelled for word in _SPELLED):
        yield f"numbers in mathematics: ${tex[:60]}$; use letters"
    if r"\text" in tex or r"\mathrm" in tex:
        yield f"words in mathematics: ${tex[:60]}$"
    try:
        checked(tex)
    except PaperError as error:
        yield str(error)


def _works(keys: tuple[str, ...], library: Library) -> Iterator[str]:
    for key in keys:
        try:
            library.entry(key)
        except UnknownName as error:
            yield f"no such work, so it cannot be cited: {key[:60]!r} (nearest: {error.fix})"


def _name(piece: Reference | Ref | Code, names: Names) -> Iterator[str]:
    if isinstance(piece, Reference) and piece.body in names.known:
        return
    body = {Ref: "ref:", Code: "code:"}.get(type(piece), "")
    body += piece.label if isinstance(piece, Ref) else ""
    body += piece.text if isinstance(piece, Code) else ""
    body += piece.body if isinstance(piece, Reference) else ""
    yield f"{{{{{body[:60]}}}}} is not a name of the list: nothing else may stand in braces"


def _whole(text: str) -> Iterator[str]:
    """A name for whole sentences must not stand within another."""
    for found in NAME.finditer(text):
        if found.group(1).split(".")[1] not in WHOLE:
            continue
        before, after = text[: found.start()].rstrip(), text[found.end() :].lstrip()
        starts = not before or before[-1] in ".!?}"
        ends = not after or after[0].isupper() or after[0] in ".{$"
        if not (starts and ends):
            yield f"{found.group(0)} stands for whole sentences: give it a place of its own"


def _bounded(found: re.Match[str]) -> str:
    """A whole sentence ends where it stands."""
    return f"{found.group(0)}. " if found.group(1).split(".")[1] in WHOLE else found.group(0)


def _plain(sentence: str) -> str:
    return re.sub(r"\{\{.*?\}\}", " ", sentence)


def _quote(text: str) -> str:
    return repr(" ".join(text.split())[:100])
