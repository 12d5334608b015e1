"""What a paper about architectures shows."""

from __future__ import annotations

from papers.exhibits.architecture_calls import calls
from papers.exhibits.architecture_view import ArchitectureView
from papers.exhibits.architectures_found import found_table
from papers.exhibits.exhibit import exhibits
from papers.exhibits.pareto import pace_figure, pareto_figure
from papers.exhibits.speed_table import speed_table
from papers.exhibits.tree import tree_figure
from papers.manuscript import Block, Column, Figure, Series, Table
from papers.record_view import RecordView
from papers.result_figures import ResultFigures
from papers.result_tables import ResultTables
from sandbox.records import TrialLine

COSTS = (
    ("Parameters", "parameters"),
    ("State", "state_floats"),
    ("Operations", "flops_per_token"),
    ("Steps", "training_steps"),
    ("Rates tried", "rates_tried"),
)
"""Column of the table of architectures, and the measure that it shows."""
MEMORY = ("Memory", "training_bytes")
"""A further column, where it was measured."""
MEMORY_TOLD = "Memory: of a training pass over one sequence, besides the weights. "
WEIGHTS = ("Weights", "weight_bytes")
"""A further column, where an arm makes its weights smaller."""
BYTES = frozenset({"training_bytes", "weight_bytes"})


@exhibits("architectures")
class ArchitectureExhibits:
    """Tasks; the arms by task with what they cost; quality against cost; the verdicts."""

    scored = "Its score is on the test items of the task that its arm is trained on"

    def __init__(self, view: RecordView) -> None:
        self._view = ArchitectureView(view)
        self._tables = ResultTables(view)
        self._figures = ResultFigures(view)
        self.score_title = self._view.score.capitalize() or "Score"

    def setup(self) -> tuple[Block | None, ...]:
        """Tasks and machine."""
        return (self.tasks_table(), self._tables.setup_table())

    def results(self) -> tuple[Block | None, ...]:
        """The main comparison, costs, verdicts, quality against cost."""
        return (
            self.main_table(),
            *(self.intervals_figure(task) for task in self._view.tasks_used),
            self.costs_table(),
            speed_table(self._view),
            pace_figure(self._view),
            pareto_figure(self._view),
            self._figures.search_figure(),
            found_table(self._view),
            self._tables.verdict_table(),
            self._figures.forest_figure(),
            tree_figure(self._view.records),
        )

    def calls(self) -> tuple[Block, ...]:
        """Every arm with what it changes; what all share is told once."""
        return calls(self._view)

    def score(self, trial: TrialLine) -> str:
        """The score on the arm's own task."""
        at = self._view.of_seed(trial.arm, trial.seed)
        return f"{{{{{at}|.3f}}}}" if at else "--"

    def tasks_table(self) -> Table:
        """The tasks: what they ask, where from, what a guess gives, how many items."""
        rows = []
        for i, task in enumerate(self._view.records.tasks):
            at = f"fact:subject.tasks.{i}"
            mark = " (primary)" if task["name"] == self._view.records.primary else ""
            rows.append(
                (
                    f"{{{{{at}.label|text}}}}{mark}",
                    f"{{{{{at}.description|text}}}} Source: {{{{{at}.source|text}}}}.",
                    f"{{{{{at}.chance|.3f}}}}",
                    f"{{{{{at}.dev_items|d}}}}",
                    f"{{{{{at}.test_items|d}}}}",
                )
            )
        return Table(
            label="tab:tasks",
            caption="Tasks, what a guess scores, and sequences for every seed; a sequence may ask "
            "about several positions. Development sequences come with answers; the answers of test "
            "sequences never enter a trial.",
            columns=(
                Column(title="Task", align="l"),
                Column(title="What it asks", align="X"),
                Column(title="Guess"),
                Column(title="Dev."),
                Column(title="Test"),
            ),
            rows=tuple(rows),
            wide=True,
        )

    def main_table(self) -> Table | None:
        """Mean test score of every arm on the task that it was trained on, with its interval."""
        arms = self._view.arms
        if not arms:
            return None
        return Table(
            label="tab:main",
            caption=f"Mean test {self._view.score} over the paired seeds, on the task that an arm "
            "was trained on, with the interval of that mean. The rate is the one that development "
            "items chose, from the lowest to the highest over seeds.",
            columns=(
                Column(title="Arm", align="X"),
                Column(title="Task", align="l"),
                Column(title="Mean"),
                Column(title="Interval"),
                Column(title="Chosen rate"),
                Column(title="Seeds"),
            ),
            rows=tuple(self._main_row(arm) for arm in arms),
            rules_before=self._view.rules,
            wide=True,
        )

    def _main_row(self, arm: str) -> tuple[str, ...]:
        at = self._view.at(arm)
        interval = f"{{{{low:{at}|.3f}}}}--{{{{high:{at}|.3f}}}}"
        return (
            self._view.records.label(arm),
            self._view.records.task_title(self._view.home(arm)),
            f"{{{{mean:{at}|.3f}}}}",
            interval if self._view.seeds(arm) > 1 else "--",
            self._view.spread(arm, "learning_rate", "g"),
            f"{{{{n:{at}|d}}}}",
        )

    def costs_table(self) -> Table | None:
        """What every arm stores, computes and was given."""
        arms = self._view.arms
        if not arms:
            return None
        return Table(
            label="tab:architectures",
            caption="The architectures compared, as trained. State: numbers kept while decoding "
            "one sequence of the task's length. Operations: of a forward pass, for each token. "
            "Steps: of the training that was kept, one for each rate tried. "
            f"{MEMORY_TOLD * (MEMORY in self._costs)}A dash stands where nothing was counted.",
            columns=(
                Column(title="Arm", align="X"),
                *(Column(title=title) for title, _ in self._costs),
            ),
            rows=tuple(
                (
                    self._view.records.label(arm),
                    *(self._cost(arm, measure) for _, measure in self._costs),
                )
                for arm in arms
            ),
            rules_before=self._view.rules,
            wide=True,
        )

    @property
    def _costs(self) -> tuple[tuple[str, str], ...]:
        """Columns of the table of architectures."""
        made = (self._view.records.arms[arm].tool for arm in self._view.arms)
        held = any(self._view.costs(arm, MEMORY[1]) for arm in self._view.arms)
        found = (*COSTS, MEMORY) if held else COSTS
        return (*found, WEIGHTS) if "compress_architecture" in made else found

    def _cost(self, arm: str, measure: str) -> str:
        return self._view.spread(arm, measure, "B" if measure in BYTES else "d")

    def intervals_figure(self, task: str) -> Figure | None:
        """Means and intervals of the arms of one task; nothing below two arms."""
        arms = [
            a for a in self._view.arms if self._view.home(a) == task and self._view.seeds(a) > 1
        ]
        if len(arms) < 2:
            return None
        primary = task == self._view.records.primary
        at = [self._view.at(arm) for arm in arms]
        summary = Series(
            label="mean",
            x=tuple(self._view.records.label(arm) for arm in arms),
            y=tuple(f"mean:{a}" for a in at),
            low=tuple(f"low:{a}" for a in at),
            high=tuple(f"high:{a}" for a in at),
        )
        score = self._view.score_of(task)
        return Figure(
            label="fig:main" if primary else f"fig:on-{task.replace('_', '-')}",
            caption=f"Test {score} on {self._view.inline_task(task)}: mean over the paired seeds "
            "with its interval, and the single seeds as faint points.",
            draw="intervals",
            series=(summary, *(self._dots(arm) for arm in arms)),
            x_label=f"test {score}",
            y_label="",
            alt=f"Dot plot of the mean test {score} of every arm on one task, with intervals.",
        )

    def _dots(self, arm: str) -> Series:
        at = self._view.each_seed(arm)
        return Series(label="seeds", x=tuple(self._view.records.label(arm) for _ in at), y=at)
