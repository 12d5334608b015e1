"""The works nearest to each hypothesis, as the ledger has them: for the appendix."""

from __future__ import annotations

from papers.manuscript import Block, Column, Paragraph, Section, Table
from sandbox.ledger import Ledger
from sandbox.records import HypothesisLine, NoveltyLine

_SHOWN = 3


def nearest_works(ledger: Ledger) -> tuple[Section, ...]:
    """The section, or none when no search was made."""
    known = {line.id for line in ledger.lines(HypothesisLine)}
    lines = [line for line in ledger.lines(NoveltyLine) if line.hypothesis in known]
    if not lines:
        return ()
    blocks = (_sources(lines), *_table(lines))
    return (Section(label="sec:nearest", title="Nearest works", blocks=blocks, appendix=True),)


def _sources(lines: list[NoveltyLine]) -> Paragraph:
    """What was searched and what was not, once for all hypotheses of which it is the same."""
    groups = {(line.searched, line.unchecked): line for line in reversed(lines)}
    said = [_searched(line) for line in reversed(groups.values())]
    return Paragraph(
        text="Before its first trial each hypothesis was compared with the literature by words. "
        + " Later: ".join(said)
        + " That no nearer work is listed does not mean that there is none: a search finds shared "
        "words, not shared ideas, and sources that were not searched may hold others."
    )


def _searched(line: NoveltyLine) -> str:
    text = f"Searched: {{{{novelty:{line.hypothesis}.searched|text}}}}."
    if line.unchecked:
        text += f" Unchecked: {{{{novelty:{line.hypothesis}.unchecked|text}}}}."
    return text


def _table(lines: list[NoveltyLine]) -> tuple[Block, ...]:
    rows = [row for line in lines for row in _rows(line)]
    table = Table(
        label="tab:nearest",
        caption="For each hypothesis the works that share words with it.",
        columns=(
            Column(title="Hypothesis", align="X"),
            Column(title="Work", align="X"),
            Column(title="Shared words", align="X"),
        ),
        rows=tuple(rows),
        wide=True,
    )
    return (Paragraph(text="{{ref:tab:nearest}} lists the works found."), table)


def _rows(line: NoveltyLine) -> list[tuple[str, ...]]:
    about = f"{{{{hypothesis:{line.hypothesis}.title|text}}}}"
    if not line.works:
        return [(about, f"{{{{novelty:{line.hypothesis}.status|text}}}}", "--")]
    rows: list[tuple[str, ...]] = []
    for at, work in enumerate(line.works[:_SHOWN]):
        title = f"{{{{novelty:{line.hypothesis}.title.{at}|text}}}} (not citable)"
        shown = f"{{{{cite:{work.key}}}}}" if work.key else title
        rows.append(
            (about if at == 0 else "", shown, f"{{{{novelty:{line.hypothesis}.shared.{at}|text}}}}")
        )
    return rows
