"""The verdicts on the whole family, and what each lets the paper say."""

from __future__ import annotations

from agent.lab import Lab
from sandbox.records import (
    ClaimKind,
    ClaimLine,
    ComparisonLine,
    HypothesisLine,
    Ruling,
    VerdictLine,
    short_id,
)
from tools.compare import rule
from tools.freeze import frozen_plans

_KINDS: dict[Ruling, ClaimKind] = {
    "supported": "superiority",
    "refuted": "null",
    "inconclusive": "null",
}
_LEADS: dict[Ruling, str] = {
    "supported": "The test supports",
    "refuted": "The test refutes",
    "inconclusive": "The test does not decide",
}


def seal_verdicts(lab: Lab) -> None:
    """Rule on all plans together, after the last trial: a verdict and a claim a hypothesis."""
    plans = frozen_plans(lab.ledger, lab.folder)
    comparisons = lab.ledger.lines(ComparisonLine)
    by_id = {line.id: line for line in comparisons}
    hypotheses = {line.id: line for line in lab.ledger.lines(HypothesisLine)}
    for verdict in rule(comparisons, plans) if plans else ():
        lab.ledger.append(verdict)
        line = hypotheses[verdict.hypothesis]
        lab.ledger.append(claim_of(line, verdict, by_id.get(verdict.comparison)))


def claim_of(
    hypothesis: HypothesisLine, verdict: VerdictLine, comparison: ComparisonLine | None
) -> ClaimLine:
    """One claim a hypothesis: its verdict decides the kind.

    Without a comparison it only describes.
    """
    kind = _KINDS[verdict.ruling] if comparison is not None else "descriptive"
    lead = _LEADS[verdict.ruling] if comparison is not None else "Nothing was measured that tests"
    return ClaimLine(
        id=short_id(["claim", hypothesis.id, verdict.id]),
        claim=kind,
        hypothesis=hypothesis.id,
        sentence=f"{lead}: {hypothesis.statement}",
        comparisons=(comparison.id,) if comparison is not None else (),
        verdicts=(verdict.id,),
        evidence=comparison.evidence if comparison is not None else (),
    )
