"""What the model answers about literature and about going on, and what is wrong with an answer."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from agent.minds.language_model.proposing import MOST_WHY
from agent.minds.language_model.wording import plain_faults

MOST_QUERIES, MOST_QUERY = 8, 200


class Queries(BaseModel):
    """Queries for a library of papers: a few words each."""

    model_config = ConfigDict(extra="forbid")

    queries: list[str] = Field(min_length=1, max_length=MOST_QUERIES)


class ModelReading(BaseModel):
    """Whether a further round of hypotheses would teach something, and why."""

    model_config = ConfigDict(extra="forbid")

    again: bool
    why: str


def query_faults(reply: Queries) -> Sequence[str]:
    """Of each query, whether a library could search for it."""
    return [
        f"a query has from two to {MOST_QUERY} printable characters: {query[:60]!r}"
        for query in reply.queries
        if not 2 <= len(query.strip()) <= MOST_QUERY or not query.isprintable()
    ]


def reading_faults(reply: ModelReading) -> Sequence[str]:
    """Of the reason, which stands in the record."""
    return [f"why: {fault}" for fault in plain_faults(reply.why, "reason", MOST_WHY)]
