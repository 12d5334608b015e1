"""Everything in `paper/`: source, bibliography, figures, PDF, page, and its numbers' manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from papers import prose
from papers.bibliography import Reference, bibtex_file, select
from papers.figures import Drawn, draw
from papers.html.page import page_html
from papers.latex.compile import KOREAN_PACKAGE, Executor, compile_pdf, has_package
from papers.latex.document import document_tex
from papers.latex.escape import unsettable
from papers.manuscript import Figure, Manuscript
from papers.numbering import numbering
from papers.numbers import Numbers
from papers.review.passage import passages
from papers.value import Rendered
from papers.visible import Visible
from sandbox.errors import TexFailed, TexMissing, UnbackedNumber


@dataclass(frozen=True)
class Built:
    """problems: what a reader would notice, and what could not be made. pdf: None without TeX."""

    pdf: Path | None
    tex: Path
    html: Path
    manifest: Path
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Printed:
    """A value and where the paper prints it."""

    place: str
    rendered: Rendered


def build(
    manuscript: Manuscript,
    numbers: Numbers,
    references: Sequence[Reference],
    folder: Path,
    executor: Executor,
) -> Built:
    """Write the manuscript, source, bibliography, figures, page, PDF and manifest into `folder`.

    Idempotent: the same manuscript over the same evidence gives the same bytes. Raises
    UnbackedNumber naming the place, PaperError for mathematics that is not allowed. Without TeX,
    or when TeX fails, the page is still written and a problem says what to do; so it is for a
    citation without an entry.
    """
    printed = tuple(rendered_numbers(manuscript, numbers))
    works, problems = _works(manuscript, references)
    places = numbering(manuscript)
    visible = Visible(numbers, places, works)
    folder.mkdir(parents=True, exist_ok=True)
    drawn = _draw_all(manuscript, numbers, folder / "figures")
    hangul = _hangul(manuscript, visible)
    problems += [problem for figure in drawn for problem in figure.problems]
    problems += _unset(manuscript, visible, hangul)
    pictures = {figure.label: f"figures/{figure.pdf.name}" for figure in drawn}
    svgs = {figure.label: figure.svg.read_text(encoding="utf-8") for figure in drawn}
    _write(folder / "manuscript.json", manuscript.model_dump_json(indent=1) + "\n")
    _write(folder / "references.bib", bibtex_file(works))
    _write(folder / "paper.tex", document_tex(manuscript, numbers, visible, pictures, hangul))
    page = page_html(manuscript, numbers, visible, places, works, svgs)
    _write(folder / "paper.html", page)
    pdf = _compile(folder, executor, problems)
    manifest = _manifest(folder, manuscript, printed, drawn, pdf)
    return Built(pdf, folder / "paper.tex", folder / "paper.html", manifest, tuple(problems))


def rendered_numbers(manuscript: Manuscript, numbers: Numbers) -> Iterator[Printed]:
    """Every value of prose and tables in reading order, after the run's name under the title.

    Raises UnbackedNumber naming the place.
    """
    yield Printed("byline", numbers.render("fact:id|text"))
    for passage in passages(manuscript):
        for body in prose.references(passage.text):
            try:
                yield Printed(passage.place, numbers.render(body))
            except UnbackedNumber as error:
                raise UnbackedNumber(f"{passage.place}: {error.what}", error.fix) from error
    for figure in _figures(manuscript):
        for x in dict.fromkeys(x for series in figure.series for x in series.x):
            for body in prose.references(x):
                yield Printed(f"{figure.label}, axis", numbers.render(body))


def _works(
    manuscript: Manuscript, references: Sequence[Reference]
) -> tuple[tuple[Reference, ...], list[str]]:
    """The cited works that were given; a missing one is a problem, and shows as ??."""
    known = {reference.key for reference in references}
    missing = [key for key in manuscript.bibliography if key not in known]
    keys = [key for key in manuscript.bibliography if key in known]
    return select(keys, references), [f"bibliography: no entry for {key}" for key in missing]


def _figures(manuscript: Manuscript) -> tuple[Figure, ...]:
    blocks = (block for section in manuscript.sections for block in section.blocks)
    return tuple(block for block in blocks if isinstance(block, Figure))


def _draw_all(manuscript: Manuscript, numbers: Numbers, folder: Path) -> tuple[Drawn, ...]:
    drawn = tuple(draw(figure, numbers, folder) for figure in _figures(manuscript))
    wanted = {path.name for figure in drawn for path in (figure.pdf, figure.svg, figure.data)}
    for stale in folder.iterdir() if folder.exists() else ():
        if stale.name not in wanted:
            stale.unlink()
    folder.mkdir(exist_ok=True)
    return drawn


def _texts(manuscript: Manuscript, visible: Visible) -> str:
    return "\n".join(visible.text(passage.text) for passage in passages(manuscript))


def _hangul(manuscript: Manuscript, visible: Visible) -> bool:
    """Whether kotex is needed and there."""
    text = _texts(manuscript, visible)
    needed = unsettable(text, hangul=False) - unsettable(text, hangul=True)
    return bool(needed) and has_package("kotex.sty")


def _unset(manuscript: Manuscript, visible: Visible, hangul: bool) -> list[str]:
    letters = unsettable(_texts(manuscript, visible), hangul)
    if not letters:
        return []
    return [
        f"missing glyph: the PDF shows {''.join(sorted(letters))} as code points; for Korean, apt "
        f"install {KOREAN_PACKAGE}"
    ]


def _compile(folder: Path, executor: Executor, problems: list[str]) -> Path | None:
    """The PDF, or None and a problem: an older PDF is never left beside a newer source."""
    try:
        compiled = compile_pdf(folder, executor)
    except (TexMissing, TexFailed) as error:
        (folder / "paper.pdf").unlink(missing_ok=True)
        problems.append(f"PDF not built: {error}")
        return None
    problems.extend(compiled.problems)
    return compiled.pdf


def _manifest(
    folder: Path,
    manuscript: Manuscript,
    printed: Sequence[Printed],
    drawn: Sequence[Drawn],
    pdf: Path | None,
) -> Path:
    """Every rendered number with its sources, the figures' texts, and digests of all files."""
    names = ["manuscript.json", "paper.tex", "references.bib", "paper.html"]
    names += ["paper.pdf"] if pdf else []
    names += [f"figures/{p.name}" for d in drawn for p in (d.pdf, d.svg, d.data)]
    body = {
        "run": manuscript.run,
        "manuscript": manuscript.digest,
        "numbers": [_entry(p) for p in printed],
        "figures": {
            d.label: {
                "texts": list(d.texts),
                "expressions": list(dict.fromkeys(v.expression for v in d.values)),
            }
            for d in drawn
        },
        "labels": {label: place.text for label, place in numbering(manuscript).items()},
        "files": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names},
    }
    manifest = folder / "manifest.json"
    _write(manifest, json.dumps(body, indent=1, ensure_ascii=False) + "\n")
    return manifest


def _entry(printed: Printed) -> dict[str, object]:
    rendered = printed.rendered
    return {
        "place": printed.place,
        "expression": rendered.expression,
        "text": rendered.text,
        "value": rendered.value,
        "unit": rendered.unit,
        "sources": list(rendered.sources),
    }


def _write(file: Path, text: str) -> None:
    """By rename: a reader never sees half a file."""
    part = file.with_name(f".{file.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(file)
