"""A reference that resolves to nothing."""

from __future__ import annotations

from collections.abc import Iterable

from papers.prose import unclosed
from papers.review.check import check
from papers.review.finding import Case, Finding, drop, found
from papers.review.passage import figures, passages, quoted
from sandbox.errors import UnbackedNumber


@check("unbacked_reference")
def unbacked_reference(case: Case) -> Iterable[Finding]:
    """A reference names evidence that the run does not hold, or a brace pair is not closed."""
    for passage in passages(case.manuscript):
        if unclosed(passage.text):
            yield found(passage.quote("{{"), "a brace pair is not closed", "close it with }}")
        for reference in quoted(passage):
            why = _unbacked(case, reference.body) if reference.is_value else None
            if why is not None:
                braced = f"{{{{{reference.body}}}}}"
                mend = drop(passage, braced)
                keep = passage.role not in ("paragraph", "item")
                yield found(passage.quote(braced), why.what, why.fix, None if keep else mend)
    for _, _, figure in figures(case.manuscript):
        for series in figure.series:
            for body in (*series.y, *series.low, *series.high):
                why = _unbacked(case, body)
                if why is not None:
                    yield found(f"{figure.label}, series {series.label!r}", why.what, why.fix)


def _unbacked(case: Case, body: str) -> UnbackedNumber | None:
    try:
        case.numbers.render(body)
    except UnbackedNumber as error:
        return error
    return None
