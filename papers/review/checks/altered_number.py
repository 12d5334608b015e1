"""A number in the built paper that is not the manuscript's."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from papers.review.check import CannotCheck, check
from papers.review.finding import Case, Finding, found
from papers.review.printed import Reckoning
from papers.review.rendering import at_build, page_reckoning, pdf_reckoning, tex_differences


@check("altered_number", needs_build=True)
def altered_number(case: Case) -> Iterable[Finding]:
    """The source, the PDF or the page prints another number than evidence and manuscript give."""
    if case.folder is None or not (case.folder / "paper.tex").is_file():
        raise CannotCheck("the paper has not been built")
    built = at_build(case, case.folder)
    fix = "build the paper again"
    for difference in tex_differences(built, case.folder):
        yield found(difference.split(":")[0], difference, fix)
    yield from _told("paper.html", page_reckoning(built, case.folder), fix)
    if _has_pdf(case.folder, case.problems):
        yield from _told("paper.pdf", pdf_reckoning(built, case.folder), fix)


def _has_pdf(folder: Path, problems: tuple[str, ...] | None) -> bool:
    """False only when the build said that it made none; a PDF that is gone cannot be checked."""
    if (folder / "paper.pdf").is_file():
        return True
    if any(problem.startswith("PDF not built") for problem in problems or ()):
        return False
    raise CannotCheck("paper.pdf is missing, and the build did not say why")


def _told(name: str, reckoning: Reckoning, fix: str) -> Iterable[Finding]:
    """Numbers that were typed are for untraced_number to find."""
    for token in reckoning.untraced:
        yield found(name, f"it prints {token}, which the manuscript does not", fix)
    for expected in reckoning.altered:
        yield found(name, f"it does not print {expected.token} of {expected.place}", fix)
