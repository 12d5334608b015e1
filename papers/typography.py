"""Typewriter conventions turned into proper characters, for LaTeX and HTML alike."""

from __future__ import annotations

import re

_QUOTE = re.compile(r"[\"']")


def typographic(text: str, continues: bool = False) -> str:
    """Curly quotes, en and em dashes.

    continues: the text follows directly on something else (a reference), so that a quotation mark
    at its start closes.
    """
    text = text.replace("---", "\N{EM DASH}").replace("--", "\N{EN DASH}")
    return _QUOTE.sub(lambda found: _curly(found, text, continues), text)


def _curly(found: re.Match[str], text: str, continues: bool) -> str:
    before = text[found.start() - 1] if found.start() else ("x" if continues else " ")
    after = text[found.end()] if found.end() < len(text) else ""
    opens = (before.isspace() or before in "([{\N{EM DASH}") and not after.isspace()
    double, single = ("\N{LEFT DOUBLE QUOTATION MARK}", "\N{LEFT SINGLE QUOTATION MARK}")
    if not opens:
        double, single = ("\N{RIGHT DOUBLE QUOTATION MARK}", "\N{RIGHT SINGLE QUOTATION MARK}")
    return double if found.group() == '"' else single
