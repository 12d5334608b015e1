"""Several tests without a correction over all of them."""

from __future__ import annotations

from collections.abc import Iterable

from papers.planned import is_gate
from papers.review.check import check
from papers.review.finding import Case, Finding, found, rewrite
from papers.review.passage import passages, quoted
from papers.review.retest import retest
from sandbox.records import ComparisonLine, VerdictLine


@check("uncorrected_tests")
def uncorrected_tests(case: Case) -> Iterable[Finding]:
    """A test is left out of Holm's correction over the family, or the text quotes a raw p-value."""
    fix = "rule on all comparisons of the run together"
    ruled = {verdict.comparison for verdict in case.ledger.lines(VerdictLine)}
    lines = case.ledger.lines(ComparisonLine)
    for line in lines:
        if line.id not in ruled:
            yield found(f"ledger, comparison {line.id}", "it has no corrected verdict", fix)
    gate = {line.id for line in lines if is_gate(case.plans, line.experiment)}
    tests = len(lines) - len(gate)
    for verdict in case.ledger.lines(VerdictLine):
        if verdict.family_size < tests and verdict.comparison not in gate:
            what = f"corrected over {verdict.family_size} of the {tests} tests that the run made"
            yield found(f"ledger, verdict {verdict.id}", what, fix)
    for flaw in retest(case.ledger, case.plans):
        if flaw.kind == "verdict":
            yield found(f"ledger, verdict {flaw.id}", flaw.sentence, fix)
    yield from _raw(case)


def _raw(case: Case) -> Iterable[Finding]:
    hypotheses = {line.id: line.hypothesis for line in case.ledger.lines(ComparisonLine)}
    for passage in passages(case.manuscript):
        if "uncorrected" in passage.text or "raw" in passage.words.split():
            continue
        for reference in quoted(passage):
            id, _, field = reference.name.partition(".")
            if reference.source != "cmp" or field not in ("p_support", "p_refute"):
                continue
            corrected = f"{{{{verdict:{hypotheses.get(id, id)}.{field}_holm|p}}}}"
            mend = rewrite(passage, f"{{{{{reference.body}}}}}", corrected)
            yield found(
                passage.quote(reference.body),
                "a p-value before correction is quoted as the result",
                f"write {corrected}",
                mend if id in hypotheses else None,
            )
