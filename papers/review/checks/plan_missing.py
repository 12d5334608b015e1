"""A test without a plan that was frozen before its data."""

from __future__ import annotations

from collections.abc import Iterable

from papers.review.check import check
from papers.review.finding import Case, Finding, found
from sandbox.records import ComparisonLine, EvidenceLine, PlanLine, digest_of


@check("plan_missing")
def plan_missing(case: Case) -> Iterable[Finding]:
    """A frozen plan is absent, differs from its digest, or is younger than all that it tests."""
    for line in case.ledger.lines(PlanLine):
        plan = case.plans.get(line.id)
        if plan is None:
            fix = f"restore {line.file}"
            yield found(line.file, f"plan {line.id} of the ledger has no file", fix)
        elif digest_of(plan) != line.plan_digest:
            fix = "a frozen plan is never edited; restore it, and record a deviation instead"
            yield found(line.file, f"plan {line.id} differs from the digest in the ledger", fix)
    yield from _order(case)


def _order(case: Case) -> Iterable[Finding]:
    at = {(sealed.line.kind, sealed.line.id): sealed.number for sealed in case.ledger.sealed()}
    for line in case.ledger.lines(ComparisonLine):
        where = f"ledger, comparison {line.id}"
        if case.ledger.find(PlanLine, line.experiment) is None:
            what = f"its experiment {line.experiment} was never frozen"
            yield found(where, what, "test only what a frozen plan says")
            continue
        frozen = at["plan", line.experiment]
        measured = [
            at[EvidenceLine.model_fields["kind"].default, id]
            for id in line.evidence
            if ("evidence", id) in at
        ]
        if measured and max(measured) < frozen:
            what = "all of its data were measured before its plan was frozen"
            yield found(where, what, "freeze the hypothesis again and measure it on fresh seeds")
