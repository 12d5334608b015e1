"""A person's PDFs: read in a process of their own, for a file may be broken or hostile.

`python -m tools.literature.pdf FILE...` prints one line of JSON for each.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.literature.bibtex import MOST_ABSTRACT, Read, rewritten
from tools.literature.entry import Entry, plain_title

_SECONDS_A_FILE, _MEMORY_BYTES, _MOST_BYTES = 20, 2 << 30, 100 << 20
_PAGES, _TEXT = 30, 100_000
_ARXIV = re.compile(r"arXiv:\s*(\d{4}\.\d{4,5})(?:v\d+)?", re.IGNORECASE)
_DOI = re.compile(r"\b10\.\d{4,9}/[-._;()/:A-Za-z0-9]+[A-Za-z0-9]")
_UNTITLED = re.compile(r"(?i)^(untitled.*|microsoft word.*|.*\.(docx?|tex|dvi|pdf|indd))?$")


def read_pdfs(files: Sequence[Path]) -> Read:
    """An entry for each file; those that cannot be read are skipped and said."""
    entries, skipped, left = [], [], list(files)
    while left:
        read = _child(left)
        for file, record in zip(left, read, strict=False):
            if "error" in record:
                skipped.append(f"{file.name}: {record['error']}")
            else:
                entries.append(_entry(file, record))
        left = left[len(read) :]
        if left:
            file = left.pop(0)
            skipped.append(f"{file.name}: reading it took too long, too much memory, or crashed")
    return Read(tuple(entries), tuple(skipped))


def _child(files: Sequence[Path]) -> list[dict[str, str]]:
    """What the child said of the first files: of all, unless one of them ended it."""
    paths = (str(file.resolve()) for file in files)
    command = [sys.executable, "-P", "-m", "tools.literature.pdf", *paths]
    done = subprocess.run(
        command,
        env={"LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    return [json.loads(line) for line in done.stdout.splitlines() if line.endswith("}")]


def _entry(file: Path, record: Mapping[str, str]) -> Entry:
    """Citable only when the first page confirms title and authors and names an arXiv number."""
    first, text = record["first"], record["text"]
    title = record["title"] if not _UNTITLED.match(record["title"]) else ""
    authors = tuple(n for n in re.split(r"\s*(?:;|,|\band\b)\s*", record["author"]) if n)
    arxiv, doi = _ARXIV.search(first), _DOI.search(first)
    entry = Entry(
        key=_key(file.stem),
        title=title or _first_line(first) or file.stem,
        authors=authors,
        year=2000 + int(arxiv[1][:2]) if arxiv else 0,
        venue="arXiv" if arxiv else "",
        identifier=f"arXiv:{arxiv[1]}" if arxiv else f"doi:{doi[0]}" if doi else "",
        keywords=(),
        verified="",
        bibtex="",
        about=first[:MOST_ABSTRACT],
        text=text,
    )
    if title and arxiv and _confirmed(entry, first):
        about = f"own PDF {file.name}: title, authors and arXiv number stand on its first page"
        return rewritten(entry, about)
    return entry


def _confirmed(entry: Entry, first: str) -> bool:
    page = f" {plain_title(first)} "
    names = [plain_title(name).split()[-1] for name in entry.authors if plain_title(name)]
    said = [entry.title, *names]
    return bool(names) and all(f" {plain_title(one)} " in page for one in said)


def _first_line(page: str) -> str:
    """The first line that may be a title: the larger part of it letters."""
    for line in page.splitlines():
        text = " ".join(line.split())
        if len(text) > 12 and sum(letter.isalpha() for letter in text) > 0.6 * len(text):
            return text[:200]
    return ""


def _key(stem: str) -> str:
    return "pdf-" + ("-".join(re.findall(r"[a-z0-9]+", stem.lower()))[:40] or "work")


def _read(file: Path) -> dict[str, str]:
    """Metadata and text of one file, in the child."""
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    if file.stat().st_size > _MOST_BYTES:
        return {"error": "it is larger than 100 MiB"}
    try:
        reader = PdfReader(file)
        about = reader.metadata
        pages = [page.extract_text() for page in reader.pages[:_PAGES]]
    except PyPdfError as error:
        return {"error": f"it cannot be read as PDF: {error}"}
    if not any(page.strip() for page in pages):
        return {"error": "it has no text, so it is probably a scan"}
    return {
        "title": " ".join(((about.title if about else "") or "").split())[:300],
        "author": " ".join(((about.author if about else "") or "").split())[:2000],
        "first": pages[0][:_TEXT],
        "text": "\n".join(pages)[:_TEXT],
    }


def _main(files: Sequence[str]) -> None:
    import resource
    import signal

    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    for file in files:
        signal.alarm(_SECONDS_A_FILE)
        said = json.dumps(_read(Path(file)))
        signal.alarm(0)
        sys.stdout.write(said + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _main(sys.argv[1:])
