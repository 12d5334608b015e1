"""Look up works in the embedded literature."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from tools.desk import Desk
from tools.tool import tool


class SearchLiterature(BaseModel):
    """query: words of a title, author, topic or venue."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    query: str = Field(min_length=2, max_length=300)
    limit: int = Field(default=10, ge=1, le=50)


class Work(BaseModel):
    """A work that may be cited by its key: what a mind is told of a library entry."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

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
    return Works(works=tuple(Work.model_validate(entry) for entry in found))
