"""References within the paper that lead nowhere, and tables and figures that nothing leads to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from papers.manuscript import Formula
from papers.review.check import check
from papers.review.finding import Case, Finding, Mend, drop, found
from papers.review.passage import floats, passages, quoted


@check("undefined_reference")
def undefined_reference(case: Case) -> Iterable[Finding]:
    """A label is referred to and not there, stands twice, or is a float that no text mentions."""
    labels = _labels(case)
    for label, times in labels.items():
        if times > 1:
            yield found(label, f"the label stands {times} times", "give each its own label")
    used = set()
    for passage in passages(case.manuscript):
        for reference in quoted(passage):
            if reference.source != "ref":
                continue
            used.add(reference.name)
            if reference.name not in labels:
                braced = f"{{{{{reference.body}}}}}"
                mend = drop(passage, braced)
                keep = passage.role not in ("paragraph", "item", "caption", "note")
                yield found(
                    passage.quote(reference.body),
                    f"there is no {reference.name}",
                    f"refer to one of {', '.join(sorted(labels))}",
                    None if keep else mend,
                )
    for section, _, block in floats(case.manuscript):
        if block.label not in used:
            sentence = f"See also {{{{ref:{block.label}}}}}."
            mend = Mend(action="add-paragraph", section=section, new=sentence)
            fix = f"mention {{{{ref:{block.label}}}}} in the text"
            what = f"{block.label} is never mentioned"
            yield found(section, what, fix, mend, "minor")


def _labels(case: Case) -> Counter[str]:
    labels = Counter(section.label for section in case.manuscript.sections)
    for section in case.manuscript.sections:
        labels.update(b.label for b in section.blocks if isinstance(b, Formula) and b.label)
    labels.update(block.label for _, _, block in floats(case.manuscript))
    return labels
