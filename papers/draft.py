"""Assemble a manuscript: a mind's prose, and the tables and figures that evidence makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import Field, JsonValue

from papers.answered import ANSWERED, answered_before
from papers.appendix import appendix
from papers.exhibits.asked import asked_for
from papers.exhibits.exhibit import Exhibits, exhibits_of
from papers.manuscript import (
    Block,
    Figure,
    Formula,
    Items,
    Manuscript,
    Paragraph,
    Part,
    Section,
    Table,
)
from papers.prose import citations
from papers.record_view import RecordView
from sandbox.ledger import Ledger
from sandbox.records import HypothesisLine

Passage = tuple[Paragraph | Items | Formula, ...]


class Prose(Part):
    """What a mind writes: words and references, no tables, no figures, no digits.

    findings: hypothesis id -> what was found about it. author: the mind, or minds, that wrote it.
    parts: part -> who wrote it, where several did; authorship says so to a reader, without digits.
    """

    author: str
    title: str
    abstract: tuple[Paragraph, ...]
    introduction: Passage
    related_work: Passage
    method: Passage
    setup: Passage
    overview: Passage
    findings: dict[str, Passage]
    discussion: Passage
    limitations: Passage
    conclusion: Passage
    authorship: str = ""
    parts: dict[str, str] = Field(default_factory=dict)


def draft(
    prose: Prose,
    ledger: Ledger,
    facts: Mapping[str, JsonValue],
    plans: Mapping[str, JsonValue],
    banner: str = "",
) -> Manuscript:
    """The whole paper for this run. plans: experiment id -> frozen plan.

    Every hypothesis of the ledger gets a subsection, the refuted and the untested too; so does what
    earlier runs answered, where the run cites any.
    """
    view = RecordView(ledger, facts, plans)
    shown = exhibits_of(view)
    sections = (
        Section(label="sec:introduction", title="Introduction", blocks=prose.introduction),
        Section(label="sec:related", title="Related work", blocks=prose.related_work),
        Section(label=ANSWERED, title="Answered before", blocks=answered_before(ledger), level=2),
        Section(label="sec:method", title="Method", blocks=prose.method),
        Section(
            label="sec:setup",
            title="Experimental set-up",
            blocks=(*prose.setup, *_present(*shown.setup())),
        ),
        *_results(prose, shown, view),
        Section(label="sec:discussion", title="Discussion", blocks=prose.discussion),
        Section(label="sec:limitations", title="Limitations", blocks=prose.limitations),
        Section(label="sec:conclusion", title="Conclusion", blocks=prose.conclusion),
        *appendix(view, facts, shown),
    )
    kept = tuple(section for section in sections if section.blocks)
    return Manuscript(
        run=str(facts["id"]),
        title=prose.title,
        abstract=prose.abstract,
        sections=kept,
        bibliography=cited(prose.abstract, kept),
        banner=banner,
        mind=prose.author,
        authorship=prose.authorship,
        language=str(facts.get("language", "en")),
    )


def redrafted(
    standing: Manuscript, before: Manuscript, after: Manuscript
) -> tuple[Manuscript, frozenset[str]]:
    """The paper as it stands, with what two drafts differ in taken from the later one.

    The labels of what was taken come with it, `abstract` for the abstract. What reviews mended
    elsewhere stays mended.
    """
    old = {section.label: section for section in before.sections}
    new = {s.label: s for s in after.sections if s != old.get(s.label)}
    sections = tuple(new.get(section.label, section) for section in standing.sections)
    anew = after.abstract != before.abstract
    abstract = after.abstract if anew else standing.abstract
    update = {
        "abstract": abstract,
        "sections": sections,
        "bibliography": cited(abstract, sections),
        "mind": after.mind,
        "authorship": after.authorship,
    }
    return standing.model_copy(update=update), frozenset(new) | ({"abstract"} if anew else set())


def cited(abstract: Sequence[Paragraph], sections: Sequence[Section]) -> tuple[str, ...]:
    """The citation keys that the text uses, sorted."""
    texts = [paragraph.text for paragraph in abstract]
    for section in sections:
        for block in section.blocks:
            texts.extend(_texts(block))
    return tuple(sorted({key for text in texts for key in citations(text)}))


def _results(prose: Prose, shown: Exhibits, view: RecordView) -> list[Section]:
    made = _present(*shown.results())
    overview = (*prose.overview, *made, *asked_for(view, made))
    sections = [Section(label="sec:results", title="Results", blocks=overview)]
    for line in view.ledger.lines(HypothesisLine):
        sections.append(
            Section(
                label=f"sec:{line.id}",
                title=line.title,
                blocks=prose.findings.get(line.id, ()),
                level=2,
            )
        )
    return sections


def _present(*blocks: Block | None) -> tuple[Block, ...]:
    return tuple(block for block in blocks if block is not None)


def _texts(block: Block) -> list[str]:
    if isinstance(block, Paragraph):
        return [block.text]
    if isinstance(block, Items):
        return list(block.items)
    if isinstance(block, Table):
        return [block.caption, block.notes, *(cell for row in block.rows for cell in row)]
    if isinstance(block, Figure):
        return [block.caption]
    return []
