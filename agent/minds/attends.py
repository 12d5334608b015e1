"""What a mind may have besides its answers: a place in the lab, and facts of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from pydantic import JsonValue

if TYPE_CHECKING:
    from agent.budget import Spend
    from agent.lab import Lab


@runtime_checkable
class Attends(Protocol):
    """A mind that needs more than settings: the run's folder, budget, ledger and library."""

    def check(self, caps: Spend) -> None:
        """Raise BadInput, before a run begins, where it could not work with this budget."""
        ...

    def attend(self, lab: Lab) -> None:
        """Begin to work in this lab; called once a session, before the first request."""
        ...


@runtime_checkable
class TellsFacts(Protocol):
    """A mind with more to say of itself in run.json than its name and description."""

    def facts(self) -> Mapping[str, JsonValue]:
        """Fields for `mind` of run.json; no secrets."""
        ...
