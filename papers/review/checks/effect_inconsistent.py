"""An effect, a mean or a difference that its evidence does not give."""

from __future__ import annotations

from collections.abc import Iterable

from papers.planned import plan_test
from papers.review.check import check
from papers.review.finding import Case, Finding, found
from papers.review.retest import retest
from sandbox.records import ComparisonLine, EvidenceLine


@check("effect_inconsistent")
def effect_inconsistent(case: Case) -> Iterable[Finding]:
    """A comparison's mean, difference, effect or interval does not follow from its evidence."""
    fix = "compare again from the evidence of the frozen plan"
    for flaw in retest(case.ledger, case.plans):
        if flaw.kind == "comparison" and flaw.field not in ("p_support", "p_refute"):
            yield found(f"ledger, comparison {flaw.id}", flaw.sentence, fix)
    for line in case.ledger.lines(ComparisonLine):
        where = f"ledger, comparison {line.id}"
        missing = [id for id in line.evidence if case.ledger.find(EvidenceLine, id) is None]
        if missing:
            yield found(where, f"it names evidence {missing[0]}, which was never sealed", fix)
        if not line.low - 1e-12 <= line.effect <= line.high + 1e-12:
            yield found(where, "its effect lies outside its own interval", fix)
        test = plan_test(case.plans, line.experiment)
        if test is None:
            continue
        for name in ("null_effect", "predicted_effect"):
            if test.get(name) != getattr(line, name):
                yield found(where, f"its {name} is not the one of the frozen plan", fix)
