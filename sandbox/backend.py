"""What a sandbox backend is, what it can promise, and where backends are found."""

from __future__ import annotations

import importlib
import pkgutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import catalogue

from sandbox.errors import UnknownName
from sandbox.job import Job
from sandbox.outcome import Outcome


@dataclass(frozen=True)
class Capabilities:
    """What a backend enforces on this machine, each name found true or false by a real attempt.

    level: what papers print: `bubblewrap`, `landlock (degraded)` or `unconfined`. confined: every
    capability held that the backend promises. warm: trusted jobs start from a warm process, each in
    namespaces of its own. lacks: what the level is degraded by, each in a few words.
    """

    backend: str
    level: str
    confined: bool
    warm: bool
    enforced: Mapping[str, bool]
    notes: tuple[str, ...] = field(default=())
    lacks: tuple[str, ...] = field(default=())


class Backend(Protocol):
    """Runs one job at a time per call; calls may come from several threads."""

    name: str

    def probe(self) -> Capabilities:
        """Try the limits with real canaries. Raises SandboxUnavailable when nothing can be run."""
        ...

    def run(self, job: Job, cancelled: threading.Event) -> Outcome:
        """Run the job to its end. Raises SandboxUnavailable when this machine cannot confine it."""
        ...

    def close(self) -> None:
        """End what was kept warm."""
        ...


F = TypeVar("F", bound=Callable[[], Backend])
_backends = catalogue.create("hanji", "sandbox_backends", entry_points=True)


def backend(name: str) -> Callable[[F], F]:
    """Register a class or function that makes a backend.

    Its docstring says what it does not contain; `uncontained`, where it has one, maps each case of
    the shared confinement suite that gets through to the reason.
    """

    def register(maker: F) -> F:
        _backends.register(name, func=maker)
        return maker

    return register


def find_backend(name: str) -> Backend:
    """A new backend of that name. Raises UnknownName with the known ones."""
    _discover()
    known = dict(_backends.get_all())
    if name not in known:
        raise UnknownName("sandbox backend", name, list(known))
    made: Backend = known[name]()
    return made


def known_backends() -> list[str]:
    """Names that `find_backend` answers to."""
    _discover()
    return sorted(_backends.get_all())


def _discover() -> None:
    from sandbox import backends

    for module in pkgutil.iter_modules(backends.__path__):
        importlib.import_module(f"{backends.__name__}.{module.name}")
