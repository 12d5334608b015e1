"""Look up works in the embedded literature."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from tools.desk import Desk
from tools.literature.library import Entry
from tools.tool import tool


class SearchLiterature(BaseModel):
    """query: words of a title, author, topic or venue."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    query: str = Field(min_length=2, max_length=300)
    limit: int = Field(default=10, ge=1, le=50)


class Work(BaseModel):
    """A work that may be cited by its key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    title: str
    authors: tuple[str, ...]
    year: int
    venue: str
    identifier: str


class Works(BaseModel):
    """Best first; empty when nothing shares a word with the query."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    works: tuple[Work, ...]


@tool("search_literature", place="desk")
def search_literature(arguments: SearchLiterature, desk: Desk) -> Works:
    """Search the embedded library; only works found here may be cited."""
    found = desk.library.search(arguments.query, arguments.limit)
    return Works(works=tuple(_work(entry) for entry in found))


def _work(entry: Entry) -> Work:
    return Work(
        key=entry.key,
        title=entry.title,
        authors=entry.authors,
        year=entry.year,
        venue=entry.venue,
        identifier=entry.identifier,
    )
