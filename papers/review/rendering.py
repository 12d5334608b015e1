"""The built paper against the same paper rendered again from its manuscript and the evidence."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from papers.figures import file_name
from papers.latex.document import document_tex
from papers.numbering import numbering
from papers.review.case import Case
from papers.review.expectation import expectation
from papers.review.moment import as_built
from papers.review.pages import picture_text, read_page, read_pdf, without_bibliography
from papers.review.passage import figures
from papers.review.printed import Expected, Reckoning, reckon, tokens
from papers.visible import Visible

MOST_DIFFERENCES = 5
_KOREAN = r"\usepackage{kotex}"
_WORD = re.compile(r"[^\s{}&]+")


def at_build(case: Case, folder: Path) -> Case:
    """The case with the ledger as it was when the paper in `folder` was built."""
    return replace(case, ledger=as_built(case.ledger, folder / "manifest.json"), folder=folder)


def tex_differences(case: Case, folder: Path) -> list[str]:
    """Each line of paper.tex that is not as the manuscript and the evidence give it, five at most.

    Raises UnbackedNumber and PaperError where the manuscript cannot be rendered.
    """
    there = (folder / "paper.tex").read_text(encoding="utf-8").splitlines()
    due = source(case, hangul=any(_KOREAN in line for line in there)).splitlines()
    found: list[str] = []
    matcher = difflib.SequenceMatcher(None, there, due, autojunk=False)
    for kind, low, high, due_low, due_high in matcher.get_opcodes():
        if kind == "equal" or len(found) >= MOST_DIFFERENCES:
            continue
        for at in range(max(high - low, due_high - due_low)):
            is_there = there[low + at] if low + at < high else ""
            is_due = due[due_low + at] if due_low + at < due_high else ""
            found.append(f"paper.tex, line {low + at + 1}: {_differing_words(is_there, is_due)}")
    return found[:MOST_DIFFERENCES]


def source(case: Case, hangul: bool) -> str:
    """paper.tex as the manuscript gives it."""
    visible = Visible(case.numbers, numbering(case.manuscript), tuple(case.references))
    pictures = {
        f.label: f"figures/{file_name(f.label)}.pdf" for _, _, f in figures(case.manuscript)
    }
    return document_tex(case.manuscript, case.numbers, visible, pictures, hangul)


def pdf_reckoning(case: Case, folder: Path) -> Reckoning:
    """Every number of the PDF. Raises PaperError when it cannot be read."""
    pages = read_pdf(folder / "paper.pdf")
    text = without_bibliography(pages, case.manuscript, case.references)
    expected = expectation(case)
    for _, _, figure in figures(case.manuscript):
        picture = folder / "figures" / f"{file_name(figure.label)}.pdf"
        printed = tokens(picture_text(picture))
        expected.extend(Expected(token, "exact", figure.label) for token in printed)
    return reckon(expected, text)


def page_reckoning(case: Case, folder: Path) -> Reckoning:
    """Every number of the HTML page, whose pictures hold no text and whose lists count alone."""
    text = read_page(folder / "paper.html")
    text = without_bibliography([text], case.manuscript, case.references)
    return reckon([e for e in expectation(case) if not e.counted], text)


def _differing_words(there: str, due: str) -> str:
    """The words that differ, each with what should stand there, three at most."""
    found, wanted = _WORD.findall(there), _WORD.findall(due)
    differing = [pair for pair in zip(found, wanted, strict=False) if pair[0] != pair[1]]
    if differing:
        told = [
            f"'{is_there[:60]}' instead of '{is_due[:60]}'" for is_there, is_due in differing[:3]
        ]
        return ", ".join(told)
    if len(found) > len(wanted):
        return f"'{_end(found, wanted)}' is too much"
    return f"'{_end(wanted, found)}' is missing"


def _end(longer: Sequence[str], shorter: Sequence[str]) -> str:
    return " ".join(longer[len(shorter) :])[:60]
