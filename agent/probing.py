"""What a run's sandbox enforces on the machine that it is on: when it begins, and each time anew.

Trials of one run are compared with each other, and its paper names one level: a run goes on only
where nothing is lost of what held when it began.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from contextlib import closing

from pydantic import BaseModel, JsonValue

from agent.settings import Settings
from sandbox.backend import Capabilities, find_backend
from sandbox.errors import CannotResume
from sandbox.ledger import Ledger
from sandbox.records import SandboxLine, short_id


class _Begun(BaseModel):
    """What run.json says of the sandbox."""

    level: str
    confined: bool
    capabilities: dict[str, bool]


def probed(settings: Settings) -> Capabilities:
    """Try it, here and now. Raises SandboxUnavailable."""
    with closing(find_backend(settings.sandbox)) as backend:
        return backend.probe()


def probed_again(settings: Settings, facts: Mapping[str, JsonValue]) -> Capabilities:
    """Try it, and compare with the run of these facts (run.json).

    Raises SandboxUnavailable, and CannotResume with what held when the run began and is lost.
    """
    found = probed(settings)
    lost = _lost(_Begun.model_validate(facts["sandbox"]), found)
    if lost:
        raise CannotResume(
            f"{facts['id']} was begun in a stronger sandbox; not found here: {', '.join(lost)}",
            "go on where it was begun, mend what `hanji sandbox probe` names, or start a new run",
        )
    return found


def keep_probe(found: Capabilities, session: int, ledger: Ledger) -> None:
    """Record it with the session that it was made for."""
    ledger.append(
        SandboxLine(
            id=short_id(["sandbox", session]),
            session=session,
            level=found.level,
            confined=found.confined,
            enforced=dict(found.enforced),
            lacks=found.lacks,
            system=f"{platform.system()} {platform.release()}",
        )
    )


def _lost(began: _Begun, found: Capabilities) -> list[str]:
    held = [name for name, on in sorted(began.capabilities.items()) if on]
    lost = [name.replace("_", " ") for name in held if not found.enforced.get(name)]
    if found.level != began.level:
        lost.append(f"the level {began.level} (it is {found.level})")
    if began.confined and not found.confined and not lost:
        lost.append("all that this version tries")
    return lost
