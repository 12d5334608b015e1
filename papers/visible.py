"""What a reader sees of prose, without markup: for widths, for titles, for the manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from papers import prose
from papers.bibliography import Reference
from papers.numbering import Place
from papers.numbers import Numbers
from papers.typography import typographic


class Visible:
    """Prose as plain text. An unknown label or key shows as `??`."""

    def __init__(
        self, numbers: Numbers, places: Mapping[str, Place], references: Sequence[Reference]
    ) -> None:
        self._numbers = numbers
        self._places = places
        self._works = {reference.key: reference for reference in references}

    def text(self, text: str) -> str:
        """The prose with every reference filled in."""
        parts = [self._piece(p, at > 0) for at, p in enumerate(prose.pieces(text))]
        return "".join(parts)

    def label(self, label: str) -> str:
        """As in "Table 3"."""
        place = self._places.get(label)
        return place.text if place else "??"

    def cited(self, key: str, in_parentheses: bool) -> str:
        """As in "Hansen, 2016" or "Hansen (2016)"."""
        work = self._works.get(key)
        if work is None:
            return "??"
        year = f", {work.year}" if in_parentheses else f" ({work.year})"
        return work.short_authors + year

    def _piece(self, piece: prose.Piece, continues: bool) -> str:
        if isinstance(piece, prose.Plain):
            return typographic(piece.text, continues)
        if isinstance(piece, prose.Reference):
            return self._numbers.render(piece.body).text
        if isinstance(piece, prose.Cite):
            return self._cite(piece)
        if isinstance(piece, prose.Ref):
            return self.label(piece.label)
        return piece.text if isinstance(piece, prose.Code) else piece.tex

    def _cite(self, piece: prose.Cite) -> str:
        works = [self.cited(key, piece.in_parentheses) for key in piece.keys]
        return f"({'; '.join(works)})" if piece.in_parentheses else ", ".join(works)
