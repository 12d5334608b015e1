"""A place outside this machine where works are looked for."""

from __future__ import annotations

from typing import Protocol

from tools.literature.entry import Entry


class Source(Protocol):
    """name: as a paper prints it."""

    name: str

    def find(self, words: tuple[str, ...], limit: int) -> list[Entry]:
        """Works about these words. Raises SourceUnreachable; no work is an answer, too."""
        ...
