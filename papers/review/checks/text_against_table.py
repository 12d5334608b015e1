"""One quantity written in two ways."""

from __future__ import annotations

from collections.abc import Iterable

from papers.review.check import check
from papers.review.finding import Case, Finding, found, rewrite
from papers.review.passage import Passage, Quoted, passages, quoted

_IN_WORDS = ("", "words", "d", "text", "p=", "p")


@check("text_against_table")
def text_against_table(case: Case) -> Iterable[Finding]:
    """The text gives a quantity with another rounding or unit than the table does."""
    in_tables: dict[str, tuple[str, str]] = {}
    everything = [(p, q) for p in passages(case.manuscript) for q in quoted(p) if q.is_value]
    for passage, reference in everything:
        if passage.role == "cell":
            in_tables.setdefault(reference.expression, (reference.form, passage.place))
    for passage, reference in everything:
        if passage.role == "cell" or reference.expression not in in_tables:
            continue
        form, place = in_tables[reference.expression]
        if form == reference.form or (form in _IN_WORDS and reference.form in _IN_WORDS):
            continue
        if not isinstance(case.numbers.resolve(reference.expression).value, str):
            yield _differing(case, passage, reference, form, place)


def _differing(case: Case, passage: Passage, reference: Quoted, form: str, place: str) -> Finding:
    text = case.numbers.render(reference.body).text
    table = case.numbers.render(f"{reference.expression}|{form}").text
    mend = rewrite(passage, f"{{{{{reference.body}}}}}", f"{{{{{reference.expression}|{form}}}}}")
    return found(
        passage.quote(reference.body),
        f"the text says {text}, {place} says {table}",
        f"write it with the format {form!r} in both",
        mend,
        "major",
    )
