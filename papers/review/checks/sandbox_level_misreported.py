"""Confinement told otherwise than it was."""

from __future__ import annotations

import re
from collections.abc import Iterable

from papers.review.check import check
from papers.review.finding import Case, Finding, Mend, found
from papers.review.passage import every_reference, passages, prose
from sandbox.records import TrialLine

_CONFINED = re.compile(
    r"\b(?:confined|isolated|sandboxed|bubblewrap|without a network|no network)\b", re.IGNORECASE
)
_SECTION = "sec:setup"


@check("sandbox_level_misreported")
def sandbox_level_misreported(case: Case) -> Iterable[Finding]:
    """Trials ran unconfined, or in another sandbox than was recorded, and the paper is silent."""
    sandbox = case.facts.get("sandbox")
    facts = sandbox if isinstance(sandbox, dict) else {}
    trials = case.ledger.lines(TrialLine)
    unconfined = [t for t in trials if "unconfined" in t.isolation or t.isolation == "process"]
    loose = bool(unconfined) or (bool(trials) and facts.get("confined") is False)
    used = {q.expression for _, q in every_reference(case.manuscript)}
    if trials and not any(name.startswith("fact:sandbox.") for name in used):
        sentence = "The sandbox was {{fact:sandbox.backend|text}} ({{fact:sandbox.level|text}})."
        yield found(
            _SECTION,
            "the paper does not say in which sandbox the trials ran",
            "state {{fact:sandbox.backend|text}} and {{fact:sandbox.level|text}}",
            Mend(action="add-paragraph", section=_SECTION, new=sentence),
            "major",
        )
    degraded = [t for t in trials if "degraded" in t.isolation]
    if degraded:
        yield from _degraded(case, len(degraded))
    if loose:
        yield from _loose(case, len(unconfined) or len(trials))
    if unconfined and facts.get("confined") is True:
        what = f"run.json says confined, trial {unconfined[0].id} ran {unconfined[0].isolation}"
        yield found("run.json", what, "say which trials ran unconfined")


def _degraded(case: Case, trials: int) -> Iterable[Finding]:
    text = " ".join((case.manuscript.banner, *(p.text for p in passages(case.manuscript))))
    if "degraded" not in text.lower():
        sentence = "The trials ran under a degraded sandbox: {{fact:sandbox.level|text}}."
        mend = Mend(action="add-paragraph", section="sec:limitations", new=sentence)
        what = f"the paper does not say that trials ran in a degraded sandbox ({trials})"
        yield found("sec:limitations", what, "write that the sandbox was degraded", mend)


def _loose(case: Case, trials: int) -> Iterable[Finding]:
    text = " ".join((case.manuscript.banner, *(p.text for p in passages(case.manuscript))))
    if "unconfined" not in text.lower():
        sentence = (
            "The trials ran unconfined: no sandbox kept them from the machine or its network."
        )
        mend = Mend(action="add-paragraph", section="sec:limitations", new=sentence)
        what = f"the paper does not say that trials ran unconfined ({trials})"
        yield found("sec:limitations", what, "write that the trials ran unconfined", mend)
    for passage in prose(case.manuscript):
        match = _CONFINED.search(passage.words)
        if match and "unconfined" not in passage.text and " not " not in passage.text:
            what = f"{match.group(0)!r} is said of trials that ran unconfined"
            yield found(passage.quote(match.group(0)), what, "say that they ran unconfined")
