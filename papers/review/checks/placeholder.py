"""What was never written, or written twice."""

from __future__ import annotations

import re
from collections.abc import Iterable

from papers.review.check import check
from papers.review.finding import Case, Finding, Mend, found
from papers.review.passage import passages

_PLACEHOLDER = re.compile(
    r"\b(?:TODO|FIXME|TBD|XXX|lorem ipsum|insert \w+ here|citation needed)\b"
    r"|\?\?|^\s*\w+ here\.?\s*$",
    re.IGNORECASE,
)


@check("placeholder")
def placeholder(case: Case) -> Iterable[Finding]:
    """A placeholder, an empty section or paragraph, or a paragraph that is there twice."""
    seen: dict[str, str] = {}
    for passage in passages(case.manuscript):
        match = _PLACEHOLDER.search(passage.words)
        if match:
            where = passage.quote(match.group(0))
            yield found(where, "a placeholder was left in the text", "write it or drop it")
        if passage.role != "paragraph":
            continue
        drop = Mend(action="drop-block", section=passage.section, block=passage.block)
        text = " ".join(passage.text.lower().split())
        if not text:
            yield found(passage.place, "the paragraph is empty", "drop it", drop)
        elif len(text) > 60 and text in seen:
            what = f"the paragraph repeats {seen[text]}"
            yield found(passage.quote(), what, "drop it", drop)
        seen.setdefault(text, passage.place)
    yield from _empty(case)


def _empty(case: Case) -> Iterable[Finding]:
    sections = case.manuscript.sections
    if not case.manuscript.abstract:
        yield found("abstract", "there is no abstract", "write it")
    if not case.manuscript.title.strip():
        yield found("title", "there is no title", "write it")
    for at, section in enumerate(sections):
        parent = at + 1 < len(sections) and sections[at + 1].level > section.level
        if not section.blocks and not parent:
            yield found(section.label, f"section {section.title!r} is empty", "write it or drop it")
