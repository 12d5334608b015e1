"""The manuscript as one LaTeX document. The same manuscript gives the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pylatex import Document, Enumerate, Itemize, NoEscape, Section, Subsection
from pylatex.base_classes import Environment

from papers import manuscript as m
from papers.latex.inline import Inline
from papers.latex.table import table_tex
from papers.mathematics import checked
from papers.numbering import appendix, body
from papers.numbers import Numbers
from papers.tables import layout
from papers.visible import Visible

_PREAMBLE = Path(__file__).with_name("preamble.tex")


class NarrowFigure(Environment):  # type: ignore[misc] # PyLaTeX is untyped
    """A float of one column."""

    _latex_name = "figure"


class WideFigure(Environment):  # type: ignore[misc] # PyLaTeX is untyped
    """A float over both columns."""

    _latex_name = "figure*"


def document_tex(
    manuscript: m.Manuscript,
    numbers: Numbers,
    visible: Visible,
    pictures: Mapping[str, str],
    hangul: bool = False,
) -> str:
    """The source of the paper.

    pictures: figure label -> path of its PDF, relative to the source. hangul: load kotex for
    Korean words. Raises UnbackedNumber and PaperError.
    """
    return _Setter(manuscript, numbers, visible, pictures, hangul).document()


class _Setter:
    def __init__(
        self,
        manuscript: m.Manuscript,
        numbers: Numbers,
        visible: Visible,
        pictures: Mapping[str, str],
        hangul: bool,
    ) -> None:
        self._paper = manuscript
        self._inline = Inline(numbers, hangul)
        self._visible = visible
        self._pictures = pictures
        self._hangul = hangul

    def document(self) -> str:
        paper = Document(
            documentclass="article", document_options=["10pt", "twocolumn"], fontenc=None,
            inputenc=None, lmodern=False, textcomp=False, page_numbers=True,
        )  # fmt: skip
        paper.packages.clear()
        paper.preamble.append(NoEscape(_PREAMBLE.read_text(encoding="utf-8")))
        if self._hangul:
            paper.preamble.append(NoEscape(r"\usepackage{kotex}"))
        paper.preamble.append(NoEscape(rf"\hypersetup{{pdftitle={{{self._tex(self._title)}}}}}"))
        paper.append(NoEscape(self._head()))
        for section in body(self._paper):
            self._section(paper, section, one_column=False)
        # a table that floats into the references would be read as one of their lines
        paper.append(NoEscape("\\FloatBarrier\n\\bibliographystyle{plainnat}"))
        paper.append(NoEscape("\\bibliography{references}"))
        if appendix(self._paper):
            paper.append(NoEscape("\\clearpage\n\\onecolumn\n\\appendix"))
        for section in appendix(self._paper):
            self._section(paper, section, one_column=True)
        return str(paper.dumps())

    @property
    def _title(self) -> str:
        return self._paper.title

    def _head(self) -> str:
        byline = (
            rf"Written unattended by Hanji (mind: {self._tex(self._paper.mind)}), run "
            rf"{self._inline.evidence('fact:id|text')}"
        )
        if self._paper.authorship:
            byline += rf"\\{self._tex(self._paper.authorship)}"
        head = f"{{{self._tex(self._paper.banner)}}}{{{self._tex(self._title)}}}{{{byline}}}"
        abstract = "\n\n".join(self._tex(p.text) for p in self._paper.abstract)
        return f"\\paperhead{head}\n\\begin{{abstract}}\n{abstract}\n\\end{{abstract}}"

    def _section(self, paper: Document, section: m.Section, one_column: bool) -> None:
        kind = Section if section.level == 1 else Subsection
        paper.append(kind(NoEscape(self._tex(section.title)), label=section.label))
        for block in section.blocks:
            paper.append(NoEscape(self._block(block, one_column) + "\n"))

    def _block(self, block: m.Block, one_column: bool) -> str:
        if isinstance(block, m.Paragraph):
            heading = rf"\paragraph{{{self._tex(block.heading)}.}} " if block.heading else ""
            return f"{heading}{self._tex(block.text)}\n"
        if isinstance(block, m.Items):
            return self._items(block)
        if isinstance(block, m.Formula):
            tex = checked(block.latex)
            return f"\\begin{{equation}}\n{tex}\n\\label{{{block.label}}}\n\\end{{equation}}"
        if isinstance(block, m.Table):
            full = one_column or block.wide or block.long
            fit = layout(block, self._visible.text, full_width=full)
            return str(table_tex(block, fit, self._inline, one_column))
        return self._figure(block, one_column)

    def _items(self, block: m.Items) -> str:
        items = Enumerate() if block.numbered else Itemize()
        for item in block.items:
            items.add_item(NoEscape(self._tex(item)))
        return str(items.dumps())

    def _figure(self, block: m.Figure, one_column: bool) -> str:
        kind = WideFigure if block.wide and not one_column else NarrowFigure
        float_ = kind(options="!ht" if one_column else "t")
        float_.append(NoEscape(r"\centering"))
        picture = self._pictures[block.label]
        float_.append(NoEscape(rf"\includegraphics[max width=\linewidth]{{{picture}}}"))
        float_.append(NoEscape(rf"\caption{{{self._tex(block.caption)}}}"))
        float_.append(NoEscape(rf"\label{{{block.label}}}"))
        return str(float_.dumps())

    def _tex(self, text: str) -> str:
        return self._inline.tex(text)
