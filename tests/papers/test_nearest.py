"""The appendix lists the works nearest to each hypothesis, and what was not searched."""

from pathlib import Path

import pytest

from agent.minds.playbook.writing import write_prose
from agent.press import reference_of
from papers.draft import draft
from papers.nearest import nearest_works
from papers.numbers import Numbers
from papers.review.finding import Case
from papers.review.panel import review
from sandbox.errors import UnbackedNumber
from sandbox.records import HypothesisLine, NearWork, NoveltyLine
from tests.papers.review_case import sound_case
from tools.literature.library import Library
from tools.literature.novelty import novelty

CLOSED = {"arXiv": "the topic allows no network"}


@pytest.fixture
def case(tmp_path: Path) -> Case:
    case = sound_case(tmp_path / "run")
    library = Library(Library.embedded().entries(), closed=CLOSED)
    for line in case.ledger.lines(HypothesisLine):
        case.ledger.append(novelty(line.id, f"{line.title}. {line.statement}", library))
    return case


def test_a_run_without_searches_has_no_such_section(tmp_path):
    assert nearest_works(sound_case(tmp_path / "run").ledger) == ()


def test_each_hypothesis_has_its_nearest_works_with_reasons(case):
    (section,) = nearest_works(case.ledger)
    text = " ".join(block.text for block in section.blocks if hasattr(block, "text"))
    assert ".unchecked|text}}" in text
    numbers = Numbers(case.ledger, case.facts, case.plans)
    (table,) = [block for block in section.blocks if block.kind == "table"]
    said = {row[0] for row in table.rows if row[0]}
    assert len(said) == len(case.ledger.lines(HypothesisLine))
    cells = [cell for row in table.rows for cell in row if "novelty:" in cell]
    assert all(numbers.render(cell).text for cell in cells)
    first = case.ledger.lines(HypothesisLine)[0].id
    assert numbers.render(f"{{{{novelty:{first}.unchecked|text}}}}").text == (
        "arXiv: the topic allows no network"
    )
    with pytest.raises(UnbackedNumber, match="field of the nearest works"):
        numbers.render(f"{{{{novelty:{first}.firsts|text}}}}")


def test_a_work_that_cannot_be_cited_is_named_by_its_title(case):
    line = case.ledger.lines(HypothesisLine)[0]
    work = NearWork(key="", title="A {2} title", year=0, identifier="", shared=("a",), overlap=0.5)
    case.ledger.append(
        NoveltyLine(
            id="own",
            hypothesis=line.id,
            status="near works found",
            works=(work,),
            searched=("own",),
            unchecked=(),
        )
    )
    (section,) = nearest_works(case.ledger)
    table = section.blocks[-1]
    assert any("(not citable)" in cell for row in table.rows for cell in row)


def test_the_review_finds_no_fault_with_the_section(case):
    prose = write_prose(case.ledger, case.facts, case.plans)
    paper = draft(prose, case.ledger, case.facts, case.plans)
    library = Library.embedded()
    works = [reference_of(library.entry(key)) for key in paper.bibliography]
    assert any(section.label == "sec:nearest" for section in paper.sections)
    looked = Case(paper, case.ledger, case.facts, case.plans, tuple(works), problems=())
    near = [f for f in review(looked).findings if "nearest" in f"{f.where} {f.what}"]
    assert near == []
