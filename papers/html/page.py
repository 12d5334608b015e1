"""The manuscript as one self-contained page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from papers import manuscript as m
from papers.bibliography import Reference
from papers.html.inline import Inline
from papers.html.mathml import mathml
from papers.numbering import Place, appendix, body
from papers.numbers import Numbers
from papers.visible import Visible

SCREEN = 1.9
"""Screen pixels for each point of a figure: its letters are nearly as large as the text's."""
_FOLDER = Path(__file__).parent


def page_html(
    manuscript: m.Manuscript,
    numbers: Numbers,
    visible: Visible,
    places: Mapping[str, Place],
    references: Sequence[Reference],
    pictures: Mapping[str, str],
) -> str:
    """The page. pictures: figure label -> SVG source. The same manuscript gives the same bytes.

    Raises UnbackedNumber and PaperError.
    """
    inline = Inline(numbers, visible)
    environment = Environment(
        loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["prose"] = lambda text: Markup(inline.html(text))  # noqa: S704 - escaped there
    environment.filters["formula"] = lambda tex: Markup(mathml(tex, display=True))  # noqa: S704
    return environment.get_template("page.html").render(
        paper=manuscript,
        style=Markup((_FOLDER / "page.css").read_text(encoding="utf-8")),  # noqa: S704 - our own
        run=Markup(inline.evidence("fact:id|text")),  # noqa: S704 - escaped there
        plain_title=visible.text(manuscript.title),
        body=body(manuscript),
        appendix=appendix(manuscript),
        places=places,
        works=sorted(references, key=lambda r: (r.short_authors.casefold(), r.year, r.key)),
        pictures={label: Markup(_inline_svg(svg)) for label, svg in pictures.items()},  # noqa: S704
        align={"l": "left", "X": "wrap", "c": "center", "r": "right"},
    )


def _inline_svg(svg: str) -> str:
    """Without the XML prologue and the metadata, and scaled by its container."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    width = re.search(r'width="([\d.]+)pt"', svg)
    style = f"width:{float(width.group(1)) * SCREEN:.0f}px" if width else ""
    head, rest = svg.split(">", 1)
    head = re.sub(r'\s(?:width|height)="[\d.]+pt"', "", head)
    return f'{head} style="{style}" aria-hidden="true">{rest}'
