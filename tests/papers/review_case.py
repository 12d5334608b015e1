"""A run and a paper in which no check finds anything, and ways to spoil them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from papers.bibliography import Reference
from papers.manuscript import Block, Manuscript, Paragraph, Table
from papers.review.finding import Case
from sandbox.ledger import GENESIS, Ledger
from sandbox.records import AnyLine, ComparisonLine, canonical, digest_of, short_id
from tests.papers.sample_run import sample_run

Change = Callable[[AnyLine], AnyLine | None]


def sound_case(folder: Path) -> Case:
    """The sample run, with its paper mended until nothing is found."""
    ledger, facts, plans, manuscript, references = sample_run(folder)
    more = tuple(_work(f"work{letter}2024", f"Merging of kind {letter}") for letter in "abcdefghij")
    skill, *_ = ledger.lines(ComparisonLine)
    claims = {c.id: short_id({"claim": c.id}) for c in ledger.lines(ComparisonLine)}
    cited = ",".join(work.key for work in more)
    paper = rewrite(
        manuscript,
        ("can live in two experts", "can live in experts"),
        ("a miniature of two languages", "a miniature of languages"),
        ("over two global ones", "over global ones"),
        ("for three merges", "for some merges"),
        ("{{ref:fig:search}} shows", "{{ref:fig:paired}}, {{ref:fig:bars}}, {{ref:fig:search}} do"),
        ("one lucky pair is hard", f"one lucky pair is hard {{{{citep:{cited}}}}}"),
        ("holds on every seed.", f"holds, against {{{{cmp:{skill.id}.control_mean|.3f}}}}."),
        ("{{count:trials.ok|d}} trials succeeded",
         "One trial of the arm ties is missing. {{count:trials.ok|d}} trials succeeded"),
    )  # fmt: skip
    paper = each_block(paper, lambda b: _claimed(b, claims[skill.id]))
    paper = each_block(paper, _bold)
    paper = rewrite(paper, ("One trial of the arm", "In the run, one trial of the arm"))
    bibliography = (*paper.bibliography, *(work.key for work in more))
    paper = paper.model_copy(update={"bibliography": bibliography})
    return Case(paper, ledger, facts, plans, (*references, *more), problems=())


def _work(key: str, title: str) -> Reference:
    bibtex = (
        f"@article{{{key},\n  title = {{{title}}},\n  author = {{Kim, A.}},\n  year = {{2024}},\n"
        "  journal = {Journal of Merging},\n  volume = {17},\n  pages = {1217--1225}\n}"
    )
    return Reference(key, title, ("Kim, A.",), 2024, "Journal of Merging", "", bibtex)


def _claimed(block: Block, claim: str) -> Block:
    if isinstance(block, Paragraph) and block.claims:
        return block.model_copy(update={"claims": (claim,)})
    return block


def _bold(block: Block) -> Block:
    if isinstance(block, Table) and block.label == "tab:main":
        return block.model_copy(update={"bold": ((9, 1), (3, 2), (2, 3))})
    return block


def rewrite(manuscript: Manuscript, *pairs: tuple[str, str]) -> Manuscript:
    """Replace text wherever it stands. Each must stand somewhere."""
    text = manuscript.model_dump_json()
    for old, new in pairs:
        quoted_old, quoted_new = (s.replace('"', '\\"') for s in (old, new))
        assert quoted_old in text, old
        text = text.replace(quoted_old, quoted_new)
    return Manuscript.model_validate_json(text)


def each_block(manuscript: Manuscript, change: Callable[[Block], Block | None]) -> Manuscript:
    """Change or drop blocks of the sections."""
    sections = tuple(
        section.model_copy(
            update={"blocks": tuple(n for b in section.blocks if (n := change(b)) is not None)}
        )
        for section in manuscript.sections
    )
    return manuscript.model_copy(update={"sections": sections})


def written(case: Case, *pairs: tuple[str, str]) -> Case:
    """The case with other words."""
    return replace(case, manuscript=rewrite(case.manuscript, *pairs))


def saying(case: Case, text: str, section: str = "sec:results", **more: Any) -> Case:
    """The case with one more paragraph in a section."""
    sections = tuple(
        s.model_copy(update={"blocks": (*s.blocks, Paragraph(text=text, **more))})
        if s.label == section
        else s
        for s in case.manuscript.sections
    )
    return replace(case, manuscript=case.manuscript.model_copy(update={"sections": sections}))


def recorded(case: Case, change: Change, more: tuple[AnyLine, ...] = ()) -> Case:
    """The case with other records: a valid ledger in which lines are changed, dropped or added."""
    changed = [line for sealed in case.ledger.sealed() if (line := change(sealed.line)) is not None]
    previous, texts = GENESIS, []
    for line in (*changed, *more):
        body = {**line.model_dump(mode="json"), "at": "2026-11-22T22:00:00", "previous": previous}
        previous = digest_of(body)
        texts.append(canonical({**body, "digest": previous}))
    folder = case.ledger.path.parent
    path = folder / f"ledger-{len(list(folder.iterdir()))}.jsonl"
    path.write_text("\n".join(texts) + "\n", encoding="utf-8")
    ledger = Ledger(path)
    return replace(case, ledger=ledger)
