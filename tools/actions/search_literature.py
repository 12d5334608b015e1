"""Look up works in the literature."""

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
    """What a mind is told of a library entry. citable: whether a paper may cite it by its key."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    key: str
    title: str
    authors: tuple[str, ...]
    year: int
    venue: str
    identifier: str
    citable: bool = True


class Works(BaseModel):
    """Best first; empty when nothing shares a word with the query.

    unchecked: sources that were not searched, each with the reason; what they hold is not known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    works: tuple[Work, ...]
    searched: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()


@tool("search_literature", place="desk")
def search_literature(arguments: SearchLiterature, desk: Desk) -> Works:
    """Search the library and the sources that the topic allows; only what it holds may be cited."""
    found = desk.library.look(arguments.query, arguments.limit)
    return Works(
        works=tuple(Work.model_validate(entry) for entry in found.works),
        searched=found.searched,
        unchecked=found.unchecked,
    )
