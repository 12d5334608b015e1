"""What a paper shows: declared once for each domain of subjects, found by folder.

To add a domain, write `papers/exhibits/x.py`:

    @exhibits("x")
    class XExhibits:
        def __init__(self, view: RecordView) -> None: ...
        def setup(self) -> tuple[Block | None, ...]: ...
        def results(self) -> tuple[Block | None, ...]: ...
        def calls(self) -> tuple[Block, ...]: ...
        def score(self, trial: TrialLine) -> str: ...
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Protocol, TypeVar

import catalogue

from papers.manuscript import Block
from papers.record_view import RecordView
from sandbox.errors import UnknownName
from sandbox.records import TrialLine


class Exhibits(Protocol):
    """Tables and figures of one run; None stands where there is nothing to show.

    score_title: what `score` gives, as a column's title; scored: on which items, a clause.
    """

    score_title: str
    scored: str

    def setup(self) -> tuple[Block | None, ...]:
        """What the run worked with."""
        ...

    def results(self) -> tuple[Block | None, ...]:
        """What it measured."""
        ...

    def calls(self) -> tuple[Block, ...]:
        """How every arm was called, for the appendix."""
        ...

    def score(self, trial: TrialLine) -> str:
        """The cell with what a trial that ended well scored; a dash where it has no score."""
        ...


Make = Callable[[RecordView], Exhibits]
Made = TypeVar("Made", bound=Make)
_exhibits = catalogue.create("hanji", "exhibits", entry_points=True)


def exhibits(domain: str) -> Callable[[Made], Made]:
    """Declare the exhibits of a domain."""

    def declare(make: Made) -> Made:
        _exhibits.register(domain, func=make)
        return make

    return declare


def exhibits_of(view: RecordView) -> Exhibits:
    """The exhibits of this run's domain. Raises UnknownName with the known ones."""
    import papers.exhibits

    for module in pkgutil.iter_modules(papers.exhibits.__path__):
        importlib.import_module(f"papers.exhibits.{module.name}")
    known: dict[str, Make] = _exhibits.get_all()
    if view.domain not in known:
        raise UnknownName("domain of exhibits", view.domain, sorted(known))
    return known[view.domain](view)
