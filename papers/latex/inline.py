"""Prose as LaTeX."""

from __future__ import annotations

from papers import prose
from papers.latex.escape import escape, escape_code
from papers.mathematics import checked
from papers.numbers import Numbers
from papers.typography import typographic


class Inline:
    """Sets prose. hangul: whether kotex is loaded."""

    def __init__(self, numbers: Numbers, hangul: bool) -> None:
        self._numbers = numbers
        self._hangul = hangul

    def tex(self, text: str) -> str:
        """The prose, escaped, with its references filled in."""
        parts = []
        for place, piece in enumerate(prose.pieces(text)):
            parts.append(self._piece(piece, continues=place > 0))
        return "".join(parts)

    def evidence(self, body: str) -> str:
        """A value, wrapped so that the source says where it comes from."""
        rendered = self._numbers.render(body)
        return rf"\evidence{{{escape(body)}}}{{{escape(rendered.text, self._hangul)}}}"

    def _piece(self, piece: prose.Piece, continues: bool) -> str:
        if isinstance(piece, prose.Plain):
            return escape(typographic(piece.text, continues), self._hangul)
        if isinstance(piece, prose.Reference):
            return self.evidence(piece.body)
        if isinstance(piece, prose.Cite):
            command = "citep" if piece.in_parentheses else "citet"
            return rf"\{command}{{{','.join(piece.keys)}}}"
        if isinstance(piece, prose.Ref):
            return rf"\cref{{{piece.label}}}"
        if isinstance(piece, prose.Code):
            return rf"\code{{{escape_code(piece.text, self._hangul)}}}"
        return f"${checked(piece.tex)}$"
