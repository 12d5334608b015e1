"""Which numbers a manuscript prints when it is set, each with its place."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from papers import prose
from papers.manuscript import Formula, Items, Manuscript
from papers.numbering import numbering
from papers.review.case import Case
from papers.review.checks.untraced_number import known_names, named
from papers.review.passage import Passage, passages
from papers.review.printed import Expected, Need, tokens
from papers.visible import Visible


def expectation(case: Case) -> list[Expected]:
    """Every number of the paper but those of its bibliography, page numbers and pictures."""
    visible = Visible(case.numbers, numbering(case.manuscript), tuple(case.references))
    names = known_names(case)
    found: list[Expected] = []
    before = ""
    for passage in passages(case.manuscript):
        if passage.role == "axis":
            continue
        shown = _passage(passage, visible, names, before)
        found.extend(shown)
        before = visible.text(passage.text)[-30:] if passage.role == "cell" else ""
    found.extend(_numbering(case.manuscript))
    head = Passage("title", -1, "title", "{{fact:id|text}}")
    found.extend(_passage(head, visible, names, "run "))
    found.extend(Expected(token, "loose", "banner") for token in tokens(case.manuscript.banner))
    byline = f"{case.manuscript.mind} {case.manuscript.authorship}"
    found.extend(Expected(token, "loose", "byline") for token in tokens(byline))
    return found


def _passage(
    passage: Passage, visible: Visible, names: Sequence[str], before: str
) -> Iterator[Expected]:
    """Numbers are read from the whole text, as print shows it, and attributed piece by piece."""
    for piece in prose.pieces(passage.text):
        shown = visible.text(_source(piece))
        if isinstance(piece, prose.Plain):
            known = Counter(t for name in named(piece.text, names) for t in tokens(name))
            typed = Counter(tokens(shown)) - known
            yield from (Expected(t, "typed", passage.quote(t)) for t in typed.elements())
        need, text, place = _kind(piece, shown, names)
        where = f"{passage.place}: '{place}'" if place else passage.place
        for token in tokens(text):
            yield Expected(token, need, where, before[-30:])
        before += shown


def _kind(piece: prose.Piece, shown: str, names: Sequence[str]) -> tuple[Need, str, str]:
    if isinstance(piece, prose.Reference):
        return "evidence", shown, f"{{{{{piece.body}}}}}"
    if isinstance(piece, prose.Plain):
        return "loose", " ".join(named(piece.text, names)), ""
    if isinstance(piece, prose.Ref):
        return "exact", shown, ""
    if isinstance(piece, prose.Code):
        return "exact", shown, f"{{{{code:{piece.text}}}}}"
    if isinstance(piece, prose.Math):
        return "loose", _set(shown), ""
    return "loose", shown, ""


def _source(piece: prose.Piece) -> str:
    """The piece as it was written."""
    if isinstance(piece, prose.Plain):
        return piece.text
    if isinstance(piece, prose.Reference):
        return f"{{{{{piece.body}}}}}"
    if isinstance(piece, prose.Cite):
        return f"{{{{{'citep' if piece.in_parentheses else 'cite'}:{','.join(piece.keys)}}}}}"
    if isinstance(piece, prose.Ref):
        return f"{{{{ref:{piece.label}}}}}"
    return f"{{{{code:{piece.text}}}}}" if isinstance(piece, prose.Code) else f"${piece.tex}$"


def _set(tex: str) -> str:
    """A formula's digits as they are set: apart from each other where markup parts them."""
    return re.sub(r"[{}_^\\&]|\\[a-zA-Z]+", " ", tex)


def _numbering(manuscript: Manuscript) -> Iterator[Expected]:
    """Numbers of sections, tables, figures, formulas and lists; and the digits of formulas."""
    for label, place in numbering(manuscript).items():
        for token in tokens(place.number):
            yield Expected(token, "exact", label)
    for section in manuscript.sections:
        for block in section.blocks:
            if isinstance(block, Items) and block.numbered:
                for number in range(1, len(block.items) + 1):
                    item = f"{section.label}, item {number}"
                    yield Expected(str(number), "exact", item, counted=True)
            elif isinstance(block, Formula):
                for token in tokens(_set(block.latex)):
                    yield Expected(token, "loose", block.label)
