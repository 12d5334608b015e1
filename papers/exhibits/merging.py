"""What a paper about merging shows."""

from __future__ import annotations

from papers.exhibits.exhibit import exhibits
from papers.exhibits.tree import tree_figure
from papers.manuscript import Block, Items, Paragraph
from papers.record_view import RecordView
from papers.result_figures import ResultFigures
from papers.result_tables import ResultTables
from sandbox.records import TrialLine

_DIGITS = 12
"""Of a file's digest: as many as an id has."""


@exhibits("merging")
class MergingExhibits:
    """Models and tasks; the arms on the primary task; searches and where they merged what."""

    score_title = "Accuracy"
    scored = "Accuracy is on the test items of the primary task"

    def __init__(self, view: RecordView) -> None:
        self._view = view
        self._tables = ResultTables(view)
        self._figures = ResultFigures(view)

    def setup(self) -> tuple[Block | None, ...]:
        """Models, tasks, machine."""
        tables = self._tables
        return (tables.models_table(), tables.tasks_table(), tables.setup_table())

    def results(self) -> tuple[Block | None, ...]:
        """The main comparison, the verdicts, the searches, the map of the merge."""
        tables, figures = self._tables, self._figures
        return (
            tables.main_table(),
            figures.intervals_figure(),
            tables.verdict_table(),
            figures.forest_figure(),
            tree_figure(self._view),
            figures.search_figure(),
            figures.merge_map(),
        )

    def calls(self) -> tuple[Block, ...]:
        """Every arm with its arguments."""
        return (
            Paragraph(text="The arms and the calls that make them:"),
            Items(items=tuple(_call(self._view, name) for name in self._view.arms)),
        )

    def score(self, trial: TrialLine) -> str:
        """Accuracy on the primary task."""
        if trial.seed not in self._view.seeds(trial.arm):
            return "--"
        return f"{{{{at:{trial.arm}/{self._view.primary}/test/{trial.seed}|.3f}}}}"


def _call(view: RecordView, name: str) -> str:
    arm = view.arms[name]
    given = {k: v for k, v in sorted(arm.arguments.items()) if v not in ({}, [], None)}
    own = given.get("own_methods")
    if isinstance(own, dict):
        given["own_methods"] = [f"{name} {digest[:_DIGITS]}" for name, digest in own.items()]
    arguments = ", ".join(f"{k}={v}" for k, v in given.items())
    return f"{view.label(name)}: {{{{code:{arm.tool}({_plain(arguments)})}}}}"


def _plain(text: str) -> str:
    """Braces would end a reference early."""
    return text.replace("{", "(").replace("}", ")").replace("'", "")
