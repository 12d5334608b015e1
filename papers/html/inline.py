"""Prose as HTML: every value says on hovering where it comes from."""

from __future__ import annotations

from html import escape

from papers import prose
from papers.html.mathml import mathml
from papers.numbers import Numbers
from papers.typography import typographic
from papers.visible import Visible

_SHOWN_SOURCES = 6


class Inline:
    """Sets prose."""

    def __init__(self, numbers: Numbers, visible: Visible) -> None:
        self._numbers = numbers
        self._visible = visible

    def html(self, text: str) -> str:
        """The prose, escaped, with its references filled in."""
        return "".join(self._piece(p, at > 0) for at, p in enumerate(prose.pieces(text)))

    def evidence(self, body: str) -> str:
        """A value with its expression and its records."""
        rendered = self._numbers.render(body)
        sources = ", ".join(rendered.sources[:_SHOWN_SOURCES])
        if len(rendered.sources) > _SHOWN_SOURCES:
            sources += f" and {len(rendered.sources) - _SHOWN_SOURCES} more"
        title = escape(f"{rendered.expression}\nfrom {sources}", quote=True)
        kind = "number" if isinstance(rendered.value, float | int) else "quoted"
        return f'<span class="{kind}" title="{title}">{escape(rendered.text)}</span>'

    def _piece(self, piece: prose.Piece, continues: bool) -> str:
        if isinstance(piece, prose.Plain):
            return escape(typographic(piece.text, continues), quote=False)
        if isinstance(piece, prose.Reference):
            return self.evidence(piece.body)
        if isinstance(piece, prose.Cite):
            return self._cite(piece)
        if isinstance(piece, prose.Ref):
            return (
                f'<a href="#{escape(piece.label)}">{escape(self._visible.label(piece.label))}</a>'
            )
        if isinstance(piece, prose.Code):
            return f"<code>{escape(piece.text, quote=False)}</code>"
        return mathml(piece.tex)

    def _cite(self, piece: prose.Cite) -> str:
        links = [
            f'<a href="#work:{escape(key)}">'
            f"{escape(self._visible.cited(key, piece.in_parentheses))}</a>"
            for key in piece.keys
        ]
        return f"({'; '.join(links)})" if piece.in_parentheses else ", ".join(links)
