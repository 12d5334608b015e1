"""The embedded literature: what papers may cite, searchable without a network."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sandbox.errors import BadInput, UnknownName

_FILE = Path(__file__).with_name("library.bib")
_WEIGHTS = (8.0, 3.0, 4.0, 1.0)
_VENUES = ("journal", "booktitle", "publisher")


@dataclass(frozen=True)
class Entry:
    """One work.

    authors: "First Last", in order. identifier: `doi:...` or `arXiv:...`, empty when it has
    neither.

    keywords: its group and subtopic. verified: where title, identifier and first author were
    confirmed. bibtex: the entry as it stands in the file.
    """

    key: str
    title: str
    authors: tuple[str, ...]
    year: int
    venue: str
    identifier: str
    keywords: tuple[str, ...]
    verified: str
    bibtex: str


class Library:
    """Entries by key, with a full-text index over titles, authors, keywords and venues."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries = {entry.key: entry for entry in entries}
        self._lock = threading.Lock()
        self._index = _index(self._entries.values())

    @classmethod
    def embedded(cls) -> Library:
        """The library that ships with the project, parsed once."""
        return _embedded()

    @classmethod
    def read(cls, path: Path) -> Library:
        """A library from a BibTeX file. Raises BadInput naming what cannot be used."""
        return cls(_parse(path))

    def keys(self) -> tuple[str, ...]:
        """Every key, sorted."""
        return tuple(sorted(self._entries))

    def entry(self, key: str) -> Entry:
        """The entry of that key. Raises UnknownName with the nearest keys."""
        if key not in self._entries:
            from difflib import get_close_matches

            raise UnknownName("citation", key, get_close_matches(key, self._entries, 5, 0.3))
        return self._entries[key]

    def search(self, query: str, limit: int = 10) -> list[Entry]:
        """Entries that share word stems with the query, best first by BM25; titles count most."""
        words = re.findall(r"\w+", query)
        if not words or limit < 1:
            return []
        match = " OR ".join(f'"{word}"' for word in words)
        weights = ", ".join(str(weight) for weight in _WEIGHTS)
        order = f"SELECT key FROM works WHERE works MATCH ? ORDER BY bm25(works, 0, {weights}), key"  # noqa: S608
        with self._lock:
            rows = self._index.execute(f"{order} LIMIT ?", (match, limit)).fetchall()
        return [self._entries[key] for (key,) in rows]


@cache
def _embedded() -> Library:
    return Library.read(_FILE)


def _index(entries: Iterable[Entry]) -> sqlite3.Connection:
    index = sqlite3.connect(":memory:", check_same_thread=False)
    index.execute(
        "CREATE VIRTUAL TABLE works USING fts5"
        "(key UNINDEXED, title, authors, keywords, venue, tokenize = 'porter unicode61')"
    )
    rows = [(e.key, e.title, " ".join(e.authors), " ".join(e.keywords), e.venue) for e in entries]
    index.executemany("INSERT INTO works VALUES (?, ?, ?, ?, ?)", rows)
    return index


def _parse(path: Path) -> list[Entry]:
    from bibtexparser.entrypoint import parse_string
    from bibtexparser.middlewares import LatexDecodingMiddleware

    text = path.read_text(encoding="utf-8")
    parsed = parse_string(text, append_middleware=[LatexDecodingMiddleware()])
    if parsed.failed_blocks:
        line = (parsed.failed_blocks[0].start_line or 0) + 1
        raise BadInput(f"{path.name}: line {line} is not a BibTeX entry", "mend or remove it")
    return [
        _entry(path.name, e.key, e.raw or "", {f.key: _plain(str(f.value)) for f in e.fields})
        for e in parsed.entries
    ]


def _entry(file: str, key: str, raw: str, fields: dict[str, str]) -> Entry:
    missing = [name for name in ("title", "author", "year") if name not in fields]
    if missing:
        raise BadInput(f"{file}: {key} has no {missing[0]}", "add the field")
    venue = next((fields[name] for name in _VENUES if name in fields), "")
    return Entry(
        key=key,
        title=fields["title"],
        authors=tuple(_name(name) for name in re.split(r"\s+and\s+", fields["author"])),
        year=int(fields["year"]),
        venue=venue or ("arXiv" if "eprint" in fields else ""),
        identifier=_identifier(fields),
        keywords=tuple(word.strip() for word in fields.get("keywords", "").split(",") if word),
        verified=fields.get("verified", ""),
        bibtex=raw.strip() + "\n",
    )


def _identifier(fields: dict[str, str]) -> str:
    if "doi" in fields:
        return f"doi:{fields['doi']}"
    return f"arXiv:{fields['eprint']}" if "eprint" in fields else ""


def _name(name: str) -> str:
    """Turn "Last, First" round."""
    last, comma, first = name.partition(",")
    return f"{first.strip()} {last.strip()}" if comma else name.strip()


def _plain(text: str) -> str:
    return " ".join(text.split())
