"""A value in the row of another arm, or in the column of another task."""

from __future__ import annotations

from collections.abc import Iterable

from papers.manuscript import Table
from papers.prose import references
from papers.review.check import check
from papers.review.finding import Case, Finding, found
from papers.review.passage import Quoted, tables


@check("wrong_row")
def wrong_row(case: Case) -> Iterable[Finding]:
    """A row is headed by one arm and holds a value of another, or a column by another task."""
    arms = {arm.label: name for name, arm in case.arms.items()}
    tasks = {str(task.get("label")): str(task.get("name")) for task in case.tasks}
    for _, _, table in tables(case.manuscript):
        headed = [tasks.get(case.shown(column.title)) for column in table.columns]
        for number, row in enumerate(table.rows, start=1):
            arm = arms.get(case.shown(row[0])) if row else None
            yield from _cells(case, table, number, row, arm, headed)


def _cells(
    case: Case,
    table: Table,
    number: int,
    row: tuple[str, ...],
    arm: str | None,
    headed: list[str | None],
) -> Iterable[Finding]:
    labels = {name: known.label for name, known in case.arms.items()}
    for at, cell in enumerate(row):
        for body in references(cell):
            by_arm = Quoted(body).by_arm
            if not by_arm:
                continue
            where = f"{table.label}, row {number}, column {at + 1}: '{{{{{body}}}}}'"
            other = by_arm[0].partition("@")[0]
            if arm is not None and labels.get(other) != labels.get(arm):
                what = f"the row is headed {labels[arm]} and holds a value of {other}"
                yield found(where, what, f"quote {arm}")
            task = headed[at] if at < len(headed) else None
            if task is not None and by_arm[1] != task:
                what = f"the column is headed {task} and holds a value of {by_arm[1]}"
                yield found(where, what, f"quote {task}")
