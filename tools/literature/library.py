"""The literature: what papers may cite, and what else is known to be near."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import yaml

from sandbox.errors import SourceUnreachable, UnknownName
from tools.literature.bibtex import read_embedded, written
from tools.literature.entry import Entry, plain_title
from tools.literature.index import Index
from tools.literature.source import Source

__all__ = ["Entry", "Library", "Looked"]

_FILE = Path(__file__).with_name("library.bib")
_DESCRIPTORS = Path(__file__).with_name("descriptors.yaml")
EMBEDDED = "the embedded library"
_QUERY_WORDS, _ASKED = 8, 20


@dataclass(frozen=True)
class Looked:
    """What a look into every source gave.

    searched: names of the sources that answered; unchecked: each that did not, and why.
    """

    works: tuple[Entry, ...]
    searched: tuple[str, ...]
    unchecked: tuple[str, ...]


class Library:
    """Entries by key, searchable; it grows by what its sources find.

    local: names of what the entries came from. sources: asked by `look`. closed: source -> why it
    is not asked.
    """

    def __init__(
        self,
        entries: Iterable[Entry],
        local: Sequence[str] = (EMBEDDED,),
        sources: Sequence[Source] = (),
        closed: Mapping[str, str] | None = None,
    ) -> None:
        self._entries: dict[str, Entry] = {}
        self._names: dict[str, str] = {}
        self._index = Index(())
        self._local, self._sources = tuple(local), tuple(sources)
        self._closed = dict(closed or {})
        self.add(entries)

    @classmethod
    def embedded(cls) -> Library:
        """The library that ships with the project, parsed once."""
        return _embedded()

    @classmethod
    def read(cls, path: Path) -> Library:
        """A library from a BibTeX file. Raises BadInput naming what cannot be used."""
        return cls(read_embedded(path), (path.name,))

    def keys(self) -> tuple[str, ...]:
        """The keys that a paper may cite, sorted."""
        return tuple(sorted(key for key, entry in self._entries.items() if entry.citable))

    def entries(self) -> tuple[Entry, ...]:
        """Every work, citable or not, in the order they were added."""
        return tuple(self._entries.values())

    def entry(self, key: str) -> Entry:
        """The citable entry of that key. Raises UnknownName with the nearest keys."""
        entry = self._entries.get(key)
        if entry is None or not entry.citable:
            near = difflib.get_close_matches(key, self.keys(), 3, 0.5)
            near += [entry.key for entry in self.nearest(key, 3)]
            raise UnknownName("citation", key, list(dict.fromkeys(near)))
        return entry

    def add(self, entries: Iterable[Entry]) -> list[Entry]:
        """Take works in; of each, the entry that stands for it: a work is never there twice.

        A work that is there already keeps its entry, unless that cannot be cited and this can;
        pages are taken from whichever has them. A key that another work has, or that a paper could
        not print, is replaced.
        """
        standing: list[Entry] = []
        fresh: dict[str, Entry] = {}
        for entry in entries:
            key = next((self._names[n] for n in sorted(entry.names) if n in self._names), None)
            known = self._entries[key] if key is not None else None
            best = entry if known is None else _joined(known, entry)
            if best is not known:
                if known is not None:
                    self._drop(known)
                    fresh.pop(known.key, None)
                best = self._with_free_key(best)
                self._entries[best.key] = fresh[best.key] = best
            names = entry.names | (known.names if known is not None else frozenset())
            self._names.update(dict.fromkeys(names, best.key))
            standing.append(best)
        self._index.add(fresh.values())
        return standing

    def search(self, query: str, limit: int = 10, *, citable: bool = True) -> list[Entry]:
        """Entries for a query, best first. citable: only those that a paper may cite."""
        room = limit if not citable else 2 * limit + 20
        found = [self._entries[hit.key] for hit in self._index.search(query, room)]
        return [entry for entry in found if entry.citable or not citable][: max(0, limit)]

    def look(self, query: str, limit: int = 10, *, citable: bool = False) -> Looked:
        """Search here after every source was asked; what they find is taken in."""
        searched, unchecked = list(self._local), [f"{n}: {w}" for n, w in self._closed.items()]
        for source in self._sources:
            try:
                found = source.find(self._index.rarest(query, _QUERY_WORDS), _ASKED)
            except SourceUnreachable as error:
                unchecked.append(f"{source.name}: {error.what}")
            else:
                self.add(found)
                searched.append(source.name)
        works = self.search(query, limit, citable=citable)
        return Looked(tuple(works), tuple(searched), tuple(unchecked))

    def shared(self, query: str, entry: Entry) -> tuple[str, ...]:
        """The query's own words that the work has, its whole text left aside."""
        return self._index.shared(query, entry.key)

    def nearest(self, text: str, limit: int = 5) -> list[Entry]:
        """The citable works that an invented reference or key most resembles, by title first."""
        said = plain_title(" ".join(re.findall(r"[^\W\d_]+|\d+", text)))
        pool = self.search(said, 40)
        pool += [self._entries[key] for key in difflib.get_close_matches(text, self.keys(), 5, 0.5)]
        ranked = sorted(dict.fromkeys(pool), key=lambda entry: -_likeness(said, text, entry))
        return ranked[:limit]

    def _drop(self, entry: Entry) -> None:
        del self._entries[entry.key]
        self._index.drop(entry.key)

    def _with_free_key(self, entry: Entry) -> Entry:
        key = re.sub(r"[^A-Za-z0-9:.+-]", "", entry.key) or "work"
        at = 1
        while key in self._entries:
            at += 1
            key = f"{re.sub(r'[^A-Za-z0-9:.+-]', '', entry.key) or 'work'}-{at}"
        if key == entry.key:
            return entry
        renamed = replace(entry, key=key)
        return replace(renamed, bibtex=written(renamed) if entry.bibtex else "")


def _joined(known: Entry, other: Entry) -> Entry:
    """One entry of two for the same work; the known one itself where the other adds nothing."""
    best = other if other.citable and not known.citable else known
    text, about = known.text or other.text, best.about or known.about or other.about
    if (text, about) == (best.text, best.about):
        return best
    return replace(best, text=text, about=about)


def _likeness(said: str, text: str, entry: Entry) -> float:
    """How like a reference's text is to the entry's title, names and key."""
    title = plain_title(entry.title)
    words, ours = set(said.split()), set(title.split())
    names = {plain_title(name).split()[-1] for name in entry.authors if plain_title(name)}
    whole = difflib.SequenceMatcher(None, said, title).ratio()
    key = difflib.SequenceMatcher(None, text.lower(), entry.key.lower()).ratio()
    return max(whole + len(words & ours) / len(ours or {""}), key) + 0.3 * bool(words & names)


@cache
def _embedded() -> Library:
    about = yaml.safe_load(_DESCRIPTORS.read_text(encoding="utf-8"))
    return Library(replace(e, about=about.get(e.key, "")) for e in read_embedded(_FILE))
