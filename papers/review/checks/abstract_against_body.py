"""An abstract that says what the body does not."""

from __future__ import annotations

from collections.abc import Iterable

from papers.review.check import check
from papers.review.finding import Case, Finding, drop, found
from papers.review.passage import every_reference, passages, quoted

_ABOUT_THE_RUN = ("count", "fact", "plan", "cost", "verdict")


@check("abstract_against_body")
def abstract_against_body(case: Case) -> Iterable[Finding]:
    """A value of the abstract appears nowhere in the body, or appears there in another format."""
    body = [q for place, q in every_reference(case.manuscript) if not place.startswith("abstract")]
    shown = {reference.expression for reference in body}
    texts = {case.numbers.render(q.body).text for q in body if q.is_value}
    for passage in passages(case.manuscript):
        if passage.section != "abstract":
            continue
        for reference in quoted(passage):
            if not reference.is_value or reference.source in _ABOUT_THE_RUN:
                continue
            text = case.numbers.render(reference.body).text
            if reference.expression in shown or text in texts:
                continue
            braced = f"{{{{{reference.body}}}}}"
            yield found(
                passage.quote(braced),
                f"the abstract says {text}, the body never gives {reference.expression}",
                "report it in the results, or drop it from the abstract",
                drop(passage, braced),
                "major",
            )
