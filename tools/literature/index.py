"""A full-text index over works: SQLite FTS5, ranked by BM25."""

from __future__ import annotations

import difflib
import re
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tools.literature.entry import Entry
from tools.literature.query import Query, spelled

_COLUMNS = ("title", "authors", "keywords", "venue", "about", "text")
_WEIGHTS = (5.0, 3.0, 3.0, 1.0, 4.0, 1.0)
SYNONYM = 0.4
"""Weight of a synonym's match, against 1 for the query's own words."""
_POOL = 200
_TYPO_LENGTH, _TYPO_LIKENESS = 5, 0.75


@dataclass(frozen=True)
class Hit:
    """A work that a query found; score: larger is nearer, comparable within one query."""

    key: str
    score: float


class Index:
    """Searchable by any thread; entries are only ever added."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._lock = threading.Lock()
        self._vocabulary: set[str] = set()
        self._keys: list[str] = []
        self._rows: dict[str, int] = {}
        self._tables = _tables()
        self.add(entries)

    def add(self, entries: Iterable[Entry]) -> None:
        """Index further works, whose keys are not there yet."""
        rows = [(entry.key, *_columns(entry)) for entry in entries]
        words = {word for row in rows for text in row[1:] for word in _long_words(text)}
        fresh = words - self._vocabulary
        with self._lock:
            for key, *texts in rows:
                self._keys.append(key)
                self._rows[key] = len(self._keys)
                self._tables.execute(
                    f"INSERT INTO works(rowid, {', '.join(_COLUMNS)}) VALUES (?,?,?,?,?,?,?)",  # noqa: S608
                    (self._rows[key], *texts),
                )
            self._tables.executemany("INSERT INTO spellings VALUES (?)", [(w,) for w in fresh])
        self._vocabulary |= fresh

    def drop(self, key: str) -> None:
        """Forget a work, if it was indexed."""
        row = self._rows.pop(key, None)
        if row is not None:
            with self._lock:
                self._tables.execute("DELETE FROM works WHERE rowid = ?", (row,))

    def search(self, text: str, limit: int) -> list[Hit]:
        """Works that share word stems with the query or its synonyms, best first.

        A word that no work has is read as the nearest that some work has.
        """
        query = Query.of(text)
        scores = self._scores([self._known(word) for word in query.words], 1.0)
        for row, score in self._scores(query.others, SYNONYM).items():
            scores[row] = scores.get(row, 0.0) + score
        best = sorted(scores, key=lambda row: (-scores[row], row))[: max(0, limit)]
        return [Hit(self._keys[row - 1], scores[row]) for row in best]

    def shared(self, text: str, key: str) -> tuple[str, ...]:
        """The query's own words that the work has, by their stems, its whole text left aside."""
        row = self._rows[key]
        words = Query.of(text).words
        joined = {first + second for first, second in pairwise(words)}
        return tuple(word for word in words if word not in joined and self._has(word, row))

    def rarest(self, text: str, most: int) -> tuple[str, ...]:
        """The query's words, at most so many: those that the fewest works have."""
        words = Query.of(text).words
        ranked = sorted(words, key=lambda word: (self._frequency(word) or len(self._rows), word))
        chosen = set(ranked[:most])
        return tuple(word for word in words if word in chosen)

    def _scores(self, expressions: Sequence[str], weight: float) -> dict[int, float]:
        if not expressions:
            return {}
        match = " OR ".join(f'"{expression}"' for expression in expressions)
        weights = ", ".join(str(one) for one in _WEIGHTS)
        select = f"SELECT rowid, -bm25(works, {weights}) AS score FROM works WHERE works MATCH ?"  # noqa: S608
        rows = self._query(f"{select} ORDER BY score DESC, rowid LIMIT ?", (match, _POOL))
        return {int(row): weight * float(score) for row, score in rows}

    def _known(self, word: str) -> str:
        if len(word) < _TYPO_LENGTH or word in self._vocabulary or self._frequency(word):
            return word
        grams = [word[at : at + 3] for at in range(len(word) - 2)]
        match = " OR ".join(f'"{gram}"' for gram in grams)
        select = "SELECT word FROM spellings WHERE spellings MATCH ? ORDER BY bm25(spellings)"
        rows = self._query(f"{select} LIMIT 30", (match,))
        near = difflib.get_close_matches(word, [str(row[0]) for row in rows], 1, _TYPO_LIKENESS)
        return near[0] if near else word

    def _frequency(self, word: str) -> int:
        count = "SELECT count(*) FROM works WHERE works MATCH ?"
        return int(self._query(count, (f'"{word}"',))[0][0])

    def _has(self, word: str, row: int) -> bool:
        one = "SELECT 1 FROM works WHERE works MATCH ? AND rowid = ?"
        return bool(self._query(one, (f'- text : "{word}"', row)))

    def _query(self, sql: str, values: tuple[str | int, ...]) -> list[tuple[str | float, ...]]:
        with self._lock:
            return self._tables.execute(sql, values).fetchall()


def _tables() -> sqlite3.Connection:
    tables = sqlite3.connect(":memory:", check_same_thread=False)
    columns = ", ".join(_COLUMNS)
    tables.execute(
        f"CREATE VIRTUAL TABLE works USING fts5({columns}, tokenize = 'porter unicode61')"
    )
    tables.execute("CREATE VIRTUAL TABLE spellings USING fts5(word, tokenize = 'trigram')")
    return tables


def _columns(entry: Entry) -> tuple[str, ...]:
    texts = (
        entry.title,
        " ".join(entry.authors),
        " ".join(entry.keywords),
        entry.venue,
        entry.about,
        entry.text,
    )
    return tuple(spelled(text) for text in texts)


def _long_words(text: str) -> set[str]:
    return {word for word in re.findall(r"[^\W\d_]+", text) if len(word) >= _TYPO_LENGTH}
