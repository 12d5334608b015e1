"""A main table without the comparisons that were measured for it."""

from __future__ import annotations

from collections.abc import Iterable

from papers.manuscript import Table
from papers.prose import references
from papers.review.check import check
from papers.review.finding import Case, Finding, found
from papers.review.passage import Quoted, tables


@check("missing_baseline")
def missing_baseline(case: Case) -> Iterable[Finding]:
    """A planned arm with results is absent from the main table, or a parent was never evaluated."""
    main = _main(case)
    if main is None:
        if case.evidence:
            fix = "show every arm in a table tab:main"
            yield found("sec:results", "no table shows the arms' results", fix)
        return
    shown = {
        Quoted(body).by_arm[0].partition("@")[0]
        for row in main.rows
        for cell in row
        for body in references(cell)
        if Quoted(body).by_arm
    }
    for name, arm in case.arms.items():
        task = _task(case, name)
        if name not in shown and task:
            what = f"{main.label} leaves out {arm.label} ({arm.role})"
            fix = f"add a row with {{{{mean:{name}/{task}/test|.3f}}}}"
            yield found(main.label, what, fix)
    yield from _roles(case)


def _task(case: Case, arm: str) -> str:
    """The task by which the main table has to show an arm; empty where it has no result.

    That is the primary one, or the one that the arm's own call names.
    """
    own = str(case.arms[arm].arguments.get("task", ""))
    for task in (case.primary, own):
        for metric in ("accuracy", "bits"):
            if (arm, task, "test", metric) in case.evidence:
                return task
    return ""


def _main(case: Case) -> Table | None:
    known = {table.label: table for _, _, table in tables(case.manuscript)}
    return known.get("tab:main")


def _roles(case: Case) -> Iterable[Finding]:
    """Every parent and reference model needs an arm that evaluates it."""
    evaluated = {
        str(value)
        for arm in case.arms.values()
        if arm.tool == "evaluate"
        for value in arm.arguments.values()
    }
    for role in case.roles:
        if role.get("kind") == "parent" and case.arms and str(role.get("name")) not in evaluated:
            what = f"{role.get('label')} is a parent of the merge and was never evaluated"
            fix = "add it as a baseline arm in the next plan"
            yield found("tab:main", what, fix, severity="major")
