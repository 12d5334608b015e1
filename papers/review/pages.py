"""The text of a built paper, as its PDF or its page shows it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

from papers.bibliography import Reference
from papers.manuscript import Manuscript
from papers.numbering import appendix
from papers.review.printed import runs, tokens
from sandbox.errors import PaperError

_HEADING = re.compile(r"^\f?References\s*$", re.MULTILINE)


def read_pdf(path: Path) -> list[str]:
    """The text of every page, without its page number.

    Raises PaperError when it is no PDF that can be read.
    """
    return [_without_number(text, number) for number, text in enumerate(_texts(path), start=1)]


def picture_text(path: Path) -> str:
    """What a picture of the paper prints: ticks and labels. A picture has no page number."""
    return "\n".join(_texts(path))


def without_bibliography(
    pages: Sequence[str], manuscript: Manuscript, references: Sequence[Reference]
) -> str:
    """The text of all pages; of the bibliography only numbers that no reference explains."""
    text = "\n\f".join(pages)
    headings = list(_HEADING.finditer(text))
    if not headings:
        return text
    heading = headings[-1]
    later = text[heading.end() :]
    first = next((section.title for section in appendix(manuscript)), "")
    end = re.search(rf"[\f\n]\s*A\s+{re.escape(first)}", later) if first else None
    works, rest = (later[: end.start()], later[end.start() :]) if end else (later, "")
    return f"{text[: heading.start()]}\n{' '.join(_unexplained(works, references))}\n{rest}"


def _texts(path: Path) -> list[str]:
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    try:
        return [page.extract_text() for page in PdfReader(path).pages]
    except (PyPdfError, OSError, ValueError) as error:
        raise PaperError(f"{path.name} cannot be read: {error}", "build the paper again") from error


def read_page(path: Path) -> str:
    """The text of an HTML page: no scripts, styles or drawings."""
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    reader.close()
    return "".join(reader.texts)


def _unexplained(works: str, references: Sequence[Reference]) -> list[str]:
    known: Counter[str] = Counter()
    for work in references:
        known.update(set(runs(work.bibtex)) | {str(work.year)})
        known.update(set(tokens(work.title)) | set(tokens(work.venue)))
    left: list[str] = []
    for token in tokens(works):
        if not (token in known or all(run in known for run in runs(token) or [""])):
            left.append(token)
    return left


def _without_number(text: str, number: int) -> str:
    return re.sub(rf"\n\s*{number}\s*$", "\n", text)


class _Reader(HTMLParser):
    """Collects text; block elements become line ends."""

    _SKIPPED = frozenset({"script", "style", "svg", "head", "nav"})
    _INLINE = frozenset({"a", "b", "i", "em", "strong", "span", "code", "sub", "sup", "abbr"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self._skipping: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._SKIPPED:
            self._skipping.append(tag)
        if tag not in self._INLINE:
            self.texts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if self._skipping and tag == self._skipping[-1]:
            self._skipping.pop()
        if tag not in self._INLINE:
            self.texts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._skipping:
            self.texts.append(data)
