"""Which families speak of a question: shared word stems, of which rare ones count most.

Source: BM25, Robertson & Zaragoza 2009 (doi:10.1561/1500000019), as SQLite's FTS5 computes it.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

from agent.minds.playbook.family import Idea, Setting, all_families

_WEIGHTS = (4.0, 4.0, 3.0, 1.0)
LEAST = 4.0
"""A score below this is of common words alone."""
SHARE = 0.6
"""Of the best score, that another must have to be spoken of too."""
MOST = 3
_COMMON = frozenset({
    "a", "an", "and", "any", "are", "as", "at", "be", "best", "better", "by", "can", "could", "do",
    "does", "for", "from", "good", "has", "have", "help", "how", "if", "in", "is", "it", "its",
    "keep", "keeps", "learn", "less", "make", "makes", "may", "model", "models", "more", "much",
    "no", "of", "on", "one", "or", "should", "than", "that", "the", "their", "them", "there",
    "these", "they", "this", "to", "up", "use", "used", "what", "when", "where", "which", "while",
    "who", "why", "will", "with", "without", "worth",
})  # fmt: skip
"""Words that tell nothing of the matter."""


@dataclass(frozen=True)
class Relevance:
    """Scores of the families that share anything with the question, by name, best first."""

    scores: Mapping[str, float]

    @property
    def best(self) -> float:
        """The highest score, 0 where nothing is shared."""
        return max(self.scores.values(), default=0.0)

    def near(self, family: str) -> float:
        """The family's score as a share of the best one, in [0, 1]."""
        return self.scores.get(family, 0.0) / self.best if self.best >= LEAST else 0.0

    @property
    def asked(self) -> tuple[str, ...]:
        """The families that the question is about, best first; none where it names no matter."""
        return tuple(name for name in self.scores if self.near(name) >= SHARE)[:MOST]


def relevance(question: str, *settings: Setting) -> Relevance:
    """How much each family that applies to a setting speaks of the question, gates left out."""
    ideas = {
        name: (idea, family.keywords)
        for at in settings
        for name, family in all_families(at.domain).items()
        if not family.gate and (idea := family.think(at)) is not None
    }
    words = [w for w in re.findall(r"[a-z0-9]+", question.lower()) if w not in _COMMON]
    if not words or not ideas:
        return Relevance({})
    match = " OR ".join(f'"{word}"' for word in words)
    weights = ", ".join(str(weight) for weight in _WEIGHTS)
    with closing(_index(ideas)) as index:
        rows = index.execute(
            f"SELECT name, -bm25(families, 0, {weights}) AS score FROM families "  # noqa: S608
            "WHERE families MATCH ? ORDER BY score DESC, name",
            (match,),
        ).fetchall()
    return Relevance(dict(rows))


def _index(ideas: Mapping[str, tuple[Idea, str]]) -> sqlite3.Connection:
    index = sqlite3.connect(":memory:")
    index.execute(
        "CREATE VIRTUAL TABLE families USING fts5"
        "(name UNINDEXED, title, names, labels, body, tokenize = 'porter unicode61')"
    )
    rows = [
        (
            name,
            idea.title,
            f"{name.replace('_', ' ')} {keywords}",
            " ".join(arm.label for arm in idea.arms),
            re.sub(r"\{\{.*?\}\}", " ", f"{idea.statement} {idea.rationale}"),
        )
        for name, (idea, keywords) in ideas.items()
    ]
    index.executemany("INSERT INTO families VALUES (?, ?, ?, ?, ?)", rows)
    return index
