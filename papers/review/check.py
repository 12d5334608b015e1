"""What looks for one defect: declared in its own file of checks/, found by folder."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import catalogue

from papers.review.finding import Case, Finding
from sandbox.errors import UnknownName

Look = Callable[[Case], Iterable[Finding]]
_checks = catalogue.create("hanji", "checks", entry_points=True)


class CannotCheck(Exception):
    """What the check needs is not there; it is then recorded as unchecked, never as passed."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True)
class Check:
    """A declared check.

    blocking: its findings, and its not running, keep a paper from being published as sound.
    needs_build: it reads the built files, so it cannot run on a manuscript alone.
    """

    name: str
    summary: str
    blocking: bool
    look: Look
    needs_build: bool = False


def check(name: str, *, blocking: bool = True, needs_build: bool = False) -> Callable[[Look], Look]:
    """Declare a check: it yields findings or raises CannotCheck; the docstring is its summary."""

    def declare(look: Look) -> Look:
        summary = " ".join((inspect.getdoc(look) or "").split("\n\n")[0].split())
        _checks.register(name, func=Check(name, summary, blocking, look, needs_build))
        return look

    return declare


def all_checks() -> dict[str, Check]:
    """Every check of papers/review/checks/ and of entry points, by name."""
    import papers.review.checks

    for module in pkgutil.iter_modules(papers.review.checks.__path__):
        importlib.import_module(f"papers.review.checks.{module.name}")
    return dict(sorted(_checks.get_all().items()))


def find_check(name: str) -> Check:
    """The check of that name. Raises UnknownName with the known ones."""
    known = all_checks()
    if name not in known:
        raise UnknownName("check", name, list(known))
    return known[name]
