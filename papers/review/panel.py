"""One round of review: every check looks at the case, and none may pass by not looking."""

from __future__ import annotations

from papers.review.check import CannotCheck, Check, all_checks
from papers.review.finding import Case, Finding, Round, Unchecked, name_of
from papers.review.rubric import checklist
from sandbox.errors import HanjiError

_ORDER = {"blocking": 0, "major": 1, "minor": 2}


def review(case: Case) -> Round:
    """Run every registered check. Findings come sorted by severity, then by check."""
    findings: dict[str, Finding] = {}
    unchecked: list[Unchecked] = []
    passed: list[str] = []
    for item in all_checks().values():
        result = consult(item, case)
        if isinstance(result, Unchecked):
            unchecked.append(result)
        elif result:
            findings.update({finding.id: finding for finding in result})
        else:
            passed.append(item.name)
    ordered = sorted(findings.values(), key=lambda f: (_ORDER[f.severity], f.check, f.where))
    return Round(
        findings=tuple(ordered),
        unchecked=tuple(unchecked),
        passed=tuple(passed),
        checklist=checklist(case),
    )


def consult(item: Check, case: Case) -> list[Finding] | Unchecked:
    """What one check says about the case.

    A reference that does not resolve, or a record of an unexpected shape, keeps a check from
    running: that is reported, because the alternative is to lose the whole night's paper to it.
    """
    try:
        return [_signed(item, finding) for finding in item.look(case)]
    except CannotCheck as missing:
        reason = missing.reason
    except (HanjiError, LookupError, ValueError, ArithmeticError, OSError) as error:
        reason = f"{type(error).__name__}: {error}"
    return Unchecked(check=item.name, blocking=item.blocking, reason=reason)


def _signed(item: Check, finding: Finding) -> Finding:
    severity = finding.severity
    if severity == "blocking" and not item.blocking:
        severity = "major"
    named = finding.model_copy(update={"check": item.name, "severity": severity})
    return named.model_copy(update={"id": name_of(named)})
