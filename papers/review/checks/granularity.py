"""An accuracy that no count of right answers gives."""

from __future__ import annotations

from collections.abc import Iterable

from papers.review.check import check
from papers.review.finding import Case, Finding, found
from sandbox.records import EvidenceLine


@check("granularity")
def granularity(case: Case) -> Iterable[Finding]:
    """An accuracy times its number of items is no whole number, or not the recorded count."""
    for line in case.ledger.lines(EvidenceLine):
        if line.metric != "accuracy" or line.unit != "fraction":
            continue
        right = line.value * line.items
        whole = line.correct if line.correct >= 0 else round(right)
        if line.items < 1 or abs(right - whole) > 1e-6 * max(1, line.items):
            yield found(
                f"ledger, evidence {line.id}",
                f"{line.value:.6g} of {line.items} items is {right:.3f} right answers"
                + (f", {line.correct} are recorded" if line.correct >= 0 else ""),
                "score the trial's predictions again",
            )
