"""What a sandbox backend enforces on this machine, for people and for machines."""

from __future__ import annotations

from pydantic import JsonValue

from agent.columns import columns
from sandbox.backend import Capabilities


def facts(capabilities: Capabilities) -> dict[str, JsonValue]:
    """As JSON; `enforced` maps each protection to whether an attempt against it was refused."""
    return {
        "backend": capabilities.backend,
        "level": capabilities.level,
        "confined": capabilities.confined,
        "warm": capabilities.warm,
        "enforced": dict(capabilities.enforced),
        "notes": list(capabilities.notes),
        "lacks": list(capabilities.lacks),
    }


def words(capabilities: Capabilities) -> str:
    """A table of protections, each tried just now, and what to know about them."""
    tried = capabilities.enforced.items()
    rows = [[name, "enforced" if held else "NOT enforced"] for name, held in tried]
    head = f"{capabilities.backend}: {capabilities.level}"
    if not capabilities.confined:
        head += "; NOT every protection holds"
    return "\n".join([head, columns(["protection", "tried just now"], rows), *capabilities.notes])
