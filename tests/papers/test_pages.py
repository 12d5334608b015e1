"""The text of a built paper: what of it is the bibliography."""

from __future__ import annotations

import pytest

from papers.bibliography import Reference
from papers.manuscript import Manuscript
from papers.review.pages import without_bibliography

WORK = Reference(
    key="smith2020",
    title="On 40 seeds",
    authors=("Smith, Ann",),
    year=2020,
    venue="",
    identifier="",
    bibtex="@misc{smith2020, title={On 40 seeds}, year={2020}, pages={11--19}}",
)
PAPER = Manuscript.model_construct(abstract=(), sections=(), bibliography=("smith2020",))
PRINTED = "Ann Smith. On 40 seeds, 2020, pages 11–19."


@pytest.mark.parametrize(
    "pages",
    [
        ["It was 0.5.", f"The end.\nReferences\n{PRINTED}"],
        ["It was 0.5.", f"References\n{PRINTED}"],
        ["It was 0.5.\nReferences", PRINTED],
    ],
    ids=["within a page", "at the top of a page", "at the foot of a page"],
)
def test_a_bibliography_is_left_out_wherever_it_begins(pages: list[str]) -> None:
    text = without_bibliography(pages, PAPER, [WORK])
    assert "0.5" in text
    assert not any(number in text for number in ("40", "2020", "11", "19"))


def test_a_number_that_no_reference_explains_is_kept() -> None:
    text = without_bibliography(["It was 0.5.", f"References\n{PRINTED} 77"], PAPER, [WORK])
    assert "77" in text
