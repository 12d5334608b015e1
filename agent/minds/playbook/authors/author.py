"""What a domain says for itself in a paper; all that domains share stands in `writing*.py`.

To add a domain, write `agent/minds/playbook/authors/x.py` with `@author("x")` on a class that has
what `Author` asks for. Its prose holds references, never digits.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Protocol, TypeVar

import catalogue

from agent.minds.playbook.story import Finding, Story
from papers.draft import Passage
from papers.manuscript import Paragraph
from sandbox.errors import UnknownName


class Author(Protocol):
    """The parts of a paper that depend on what was studied."""

    related_work: str
    """File of `text/` with its related work."""
    chosen_before: str
    """Choices that no correction covers, within a sentence."""

    def title(self, story: Story) -> str:
        """It states a result only when its test supports it."""
        ...

    def opening(self, story: Story) -> str:
        """The abstract's first sentence: why this is worth asking."""
        ...

    def headliners(self, story: Story) -> list[Finding]:
        """Findings with a comparison that the abstract reports, the most important first."""
        ...

    def before(self, story: Story) -> str:
        """What the abstract says before its findings; empty when there is nothing."""
        ...

    def aside(self, story: Story) -> str:
        """What it says after them; empty when there is nothing."""
        ...

    def versus(self, treatment: str, control: str) -> str:
        """Two labels, as a sentence sets one against the other."""
        ...

    def reached(self, metric: str, treatment: str, control: str, first: str, second: str) -> str:
        """Clause without an end: what both sides of a test measured, first the treatment."""
        ...

    def introduction(self, story: Story) -> Passage:
        """The question, why it is hard, and what was done about that."""
        ...

    def method(self, story: Story) -> Passage:
        """What was built and how it was tuned; how hypotheses are decided follows it."""
        ...

    def subject(self, story: Story) -> Paragraph:
        """Models, tasks, and what a pair is."""
        ...

    def overview(self, story: Story) -> Passage:
        """What the tables and figures show, where anything was compared."""
        ...

    def discussion(self, story: Story) -> tuple[Paragraph, ...]:
        """What readers of this domain would ask first."""
        ...

    def scale(self, story: Story) -> str:
        """The limitation of size."""
        ...

    def further_limits(self, story: Story) -> tuple[Paragraph, ...]:
        """Limitations of tuning and measurement."""
        ...


Made = TypeVar("Made", bound=Callable[[], Author])
_authors = catalogue.create("hanji", "authors", entry_points=True)


def author(domain: str) -> Callable[[Made], Made]:
    """Declare who writes about a domain."""

    def declare(made: Made) -> Made:
        _authors.register(domain, func=made)
        return made

    return declare


def author_of(story: Story) -> Author:
    """Who writes about the run's domain. Raises UnknownName with the known ones."""
    import agent.minds.playbook.authors as folder

    for module in pkgutil.iter_modules(folder.__path__):
        importlib.import_module(f"{folder.__name__}.{module.name}")
    known: dict[str, Callable[[], Author]] = _authors.get_all()
    if story.domain not in known:
        raise UnknownName("domain to write about", story.domain, sorted(known))
    return known[story.domain]()
