"""What a search found near each hypothesis, for a prompt: what was not searched is said, too."""

from __future__ import annotations

from agent.fence import fenced
from sandbox.ledger import Ledger
from sandbox.records import HypothesisLine, NoveltyLine

MOST_NEAR, MOST_HYPOTHESES = 3, 12


def near_works(ledger: Ledger) -> str:
    """The last hypotheses with the works that share words with them, marked as data."""
    titles = {line.id: line.title for line in ledger.lines(HypothesisLine)}
    lines = [line for line in ledger.lines(NoveltyLine) if line.hypothesis in titles]
    told = [_told(titles[line.hypothesis], line) for line in lines[-MOST_HYPOTHESES:]]
    return fenced("Works near each hypothesis", "\n".join(told) or "none was searched for")


def _told(title: str, line: NoveltyLine) -> str:
    """No search shows that a thing is new: what is near is listed, and what is unchecked."""
    works = [f"{w.key or 'not citable'}: {w.title}" for w in line.works[:MOST_NEAR]]
    near = f"near: {'; '.join(works)}" if works else line.status
    unchecked = f" Unchecked: {'; '.join(line.unchecked)}." if line.unchecked else ""
    return f"{title}: {near}. Searched: {', '.join(line.searched) or 'nothing'}.{unchecked}"
