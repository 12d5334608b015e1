"""Which works are nearest to a hypothesis, why, and which sources could not be asked."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from sandbox.records import NearWork, NoveltyLine, short_id
from tools.literature.entry import Entry
from tools.literature.library import Library
from tools.literature.query import Query

_LEAST_SHARED = 2
_POOL = 20


def novelty(hypothesis: str, statement: str, library: Library, limit: int = 5) -> NoveltyLine:
    """The nearest works of every source to the statement of a hypothesis of that id.

    A work is near when it has at least two of the statement's words; neighbours count more. Where
    none is and a source could not be asked, the answer is that nothing was checked, not that
    nothing is there.
    """
    looked = library.look(statement, _POOL)
    works = [_near(statement, entry, library) for entry in looked.works]
    pairs = list(pairwise(Query.of(statement).words))
    works = sorted(works, key=lambda work: -_telling(work.shared, pairs))
    near = tuple(work for work in works[:limit] if len(work.shared) >= _LEAST_SHARED)
    nothing = "unchecked" if looked.unchecked else "no near work in the sources searched"
    return NoveltyLine.model_validate(
        {
            "id": short_id(["novelty", hypothesis, statement]),
            "hypothesis": hypothesis,
            "status": "near works found" if near else nothing,
            "works": near,
            "searched": looked.searched,
            "unchecked": looked.unchecked,
        }
    )


def _telling(shared: Sequence[str], pairs: Sequence[tuple[str, str]]) -> int:
    """How much is shared: words, and neighbours among them, which are mostly terms."""
    return len(shared) + sum(first in shared and second in shared for first, second in pairs)


def _near(statement: str, entry: Entry, library: Library) -> NearWork:
    shared = library.shared(statement, entry)
    return NearWork(
        key=entry.key if entry.citable else "",
        title=entry.title,
        year=entry.year,
        identifier=entry.identifier,
        shared=shared,
        overlap=round(len(shared) / max(1, len(Query.of(statement).words)), 3),
    )
