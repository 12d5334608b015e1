"""Look for works that are near to a hypothesis."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from sandbox.records import NearWork
from tools.desk import Desk
from tools.literature.novelty import novelty
from tools.tool import tool


class CheckNovelty(BaseModel):
    """statement: the hypothesis in one or two sentences."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    statement: str = Field(min_length=8, max_length=2000)
    limit: int = Field(default=5, ge=1, le=20)


class NearestWorks(BaseModel):
    """Nearest first, with the words that each shares with the statement.

    unchecked: sources that were not searched, each with the reason; what they hold is not known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: str
    works: tuple[NearWork, ...]
    searched: tuple[str, ...]
    unchecked: tuple[str, ...]


@tool("check_novelty", place="desk")
def check_novelty(arguments: CheckNovelty, desk: Desk) -> NearestWorks:
    """Find the works nearest to a hypothesis; it never says that there are no others."""
    line = novelty("", arguments.statement, desk.library, arguments.limit)
    return NearestWorks(
        status=line.status, works=line.works, searched=line.searched, unchecked=line.unchecked
    )
