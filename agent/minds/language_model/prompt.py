"""Prompts: Markdown files of `agent/prompts/` with `<<name>>` where something is filled in."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

_PLACE = re.compile(r"<<([a-z_]+)>>")


def prompt(name: str, **filled: str) -> str:
    """The prompt of that name. Raises KeyError when a place of it is not filled.

    What is filled in is not searched for places again.
    """
    return _PLACE.sub(lambda found: filled[found.group(1)], _text(name)).strip()


@cache
def _text(name: str) -> str:
    return (files("agent.prompts") / f"{name}.md").read_text(encoding="utf-8")


def listed(lines: list[str]) -> str:
    """As a list, or the word `none`."""
    return "\n".join(f"- {line}" for line in lines) or "none"
