"""The ways in which a job can be held here: each backend afresh, and warm where it starts so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest

from sandbox.backend import Backend, find_backend, known_backends
from sandbox.process_tree import tree

CONTROL = "process"
WARM = {"bubblewrap": "bubblewrap, warm"}


@dataclass(frozen=True)
class Level:
    """A backend and the way in which it starts a job. name: what tables print."""

    backend: Backend
    name: str
    warm: bool

    @property
    def uncontained(self) -> Mapping[str, str]:
        """Name of each case that it says it does not contain -> why."""
        return getattr(self.backend, "uncontained", {})

    def left(self) -> int:
        """Processes that the backend keeps, which a job must not add to."""
        kept: Callable[[], list[int]] = getattr(self.backend, "warm_processes", list)
        return sum(len(list(tree(pid))) for pid in kept())


def level_names() -> list[str]:
    """Every backend but the control, and the warm starts."""
    fresh = [name for name in known_backends() if name != CONTROL]
    return [way for name in fresh for way in (name, WARM.get(name, "")) if way]


def level_params() -> list[object]:
    """For a fixture: the first level is tried in every run, the others in all but the quickest."""
    first, *others = level_names()
    return [first, *(pytest.param(name, marks=pytest.mark.slow) for name in others)]


def open_level(name: str) -> Level:
    """A new backend at that level."""
    backend, _, warm = name.partition(", ")
    return Level(find_backend(backend), name, warm == "warm")
