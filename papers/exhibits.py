"""Tables and figures that evidence makes: no mind writes or chooses a value in them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from pydantic import JsonValue

from papers.manuscript import Column, Figure, Series, Table
from papers.record_view import RecordView
from sandbox.ledger import Ledger
from sandbox.records import EvidenceLine


class Exhibits:
    """Builds every table and figure of the results, or None where there is nothing to show."""

    def __init__(
        self, ledger: Ledger, facts: Mapping[str, JsonValue], plans: Mapping[str, JsonValue]
    ) -> None:
        self.view = RecordView(ledger, facts, plans)

    def models_table(self) -> Table:
        """The models in their roles and the tasks with their sizes."""
        roles = [
            (
                f"{{{{fact:subject.roles.{i}.label|text}}}}",
                f"{{{{fact:subject.roles.{i}.description|text}}}}",
            )
            for i, role in enumerate(self.view.roles)
            if role["name"] in self.view.roles_used
        ]
        return Table(
            label="tab:models",
            caption="The models of this study.",
            columns=(Column(title="Model", align="l"), Column(title="Trained on", align="X")),
            rows=tuple(roles),
        )

    def tasks_table(self) -> Table:
        """The tasks, their chance level and how many items each split has."""
        rows = []
        for i, task in enumerate(self.view.tasks):
            at = f"fact:subject.tasks.{i}"
            mark = " (primary)" if task["name"] == self.view.primary else ""
            rows.append(
                (
                    f"{{{{{at}.label|text}}}}{mark}",
                    f"{{{{{at}.chance|.3f}}}}",
                    f"{{{{{at}.dev_items|d}}}}",
                    f"{{{{{at}.test_items|d}}}}",
                )
            )
        return Table(
            label="tab:tasks",
            caption="Tasks, accuracy of a guess, and items for every seed. Development items come "
            "with labels; the labels of test items never enter a trial.",
            columns=(
                Column(title="Task", align="l"),
                Column(title="Chance"),
                Column(title="Dev."),
                Column(title="Test"),
            ),
            rows=tuple(rows),
        )

    def setup_table(self) -> Table:
        """Machine, budget, sandbox, mind and versions."""
        rows = (
            ("Processor", "{{fact:machine.cpu|text}}"),
            ("Cores", "{{fact:machine.cores|d}}"),
            ("Memory", "{{fact:machine.memory_bytes|B}}"),
            ("GPU", "{{fact:machine.gpu|text}}"),
            ("Budget, wall time", "{{fact:budget.wall_s|s}}"),
            ("Spent on trials, CPU time", "{{cost:cpu_s|s}}"),
            ("Trials run", "{{count:trials|d}}"),
            ("Paired seeds", "{{count:seeds|d}}"),
            ("Sandbox", "{{fact:sandbox.level|text}}"),
            ("Mind", "{{fact:mind.name|text}}"),
            ("Hanji", "{{fact:versions.hanji|text}}"),
            ("PyTorch", "{{fact:versions.torch|text}}"),
        )
        return Table(
            label="tab:setup",
            caption="Machine, budget and confinement of this run.",
            columns=(Column(title="Item", align="l"), Column(title="Value", align="X")),
            rows=rows,
        )

    def main_table(self) -> Table | None:
        """Mean test accuracy of every arm, with its interval on the primary task."""
        arms = self.view.measured_arms
        if not arms:
            return None
        tasks = (self.view.primary, *self.view.shown_tasks)
        rows, rules = [], []
        for i, name in enumerate(arms):
            if i and self.view.group(name) != self.view.group(arms[i - 1]):
                rules.append(i)
            rows.append(self._main_row(name, tasks))
        bold = tuple(
            (best, column if column == 1 else column + 1)
            for column, task in enumerate(tasks, start=1)
            for best in self.view.best_rows(arms, task)
        )
        return Table(
            label="tab:main",
            caption="Mean test accuracy over the paired seeds. The interval is of the mean on the "
            "primary task; the highest mean of each column is set in bold, which states no test. "
            "Evaluations are those spent on development items; fine-tuning spends gradient steps.",
            columns=(
                Column(title="Arm", align="l"),
                Column(title=self.view.task_title(self.view.primary)),
                Column(title="Interval"),
                *(Column(title=self.view.task_title(t)) for t in tasks[1:]),
                Column(title="Evaluations"),
                Column(title="Seeds"),
            ),
            rows=tuple(rows),
            rules_before=tuple(rules),
            bold=bold,
            wide=True,
        )

    def _main_row(self, name: str, tasks: tuple[str, ...]) -> tuple[str, ...]:
        primary = tasks[0]
        spent = self.view.has(name, primary, "evaluations", "dev")
        return (
            self.view.label(name),
            f"{{{{mean:{name}/{primary}/test|.3f}}}}",
            f"{{{{low:{name}/{primary}/test|.3f}}}}--{{{{high:{name}/{primary}/test|.3f}}}}",
            *(
                f"{{{{mean:{name}/{task}/test|.3f}}}}" if self.view.has(name, task) else "--"
                for task in tasks[1:]
            ),
            f"{{{{max:{name}/{primary}/dev/evaluations|d}}}}" if spent else "--",
            f"{{{{n:{name}/{primary}/test|d}}}}",
        )

    def intervals_figure(self) -> Figure | None:
        """The main comparison: every arm's mean and interval on the primary task."""
        arms = self.view.measured_arms
        if not arms:
            return None
        task = self.view.primary
        summary = Series(
            label="mean",
            x=tuple(self.view.label(a) for a in arms),
            y=tuple(f"mean:{a}/{task}/test" for a in arms),
            low=tuple(f"low:{a}/{task}/test" for a in arms),
            high=tuple(f"high:{a}/{task}/test" for a in arms),
        )
        return Figure(
            label="fig:main",
            caption="Test accuracy on the primary task: mean over the paired seeds with its "
            "interval, and the single seeds as faint points.",
            draw="intervals",
            series=(summary, *(self._dots(a) for a in arms)),
            x_label="test accuracy",
            y_label="",
            alt="Dot plot of the mean test accuracy of every arm, with intervals.",
        )

    def _dots(self, arm: str) -> Series:
        seeds = self.view.seeds(arm)
        return Series(
            label="seeds",
            x=tuple(self.view.label(arm) for _ in seeds),
            y=tuple(f"at:{arm}/{self.view.primary}/test/{seed}" for seed in seeds),
        )

    def verdict_table(self) -> Table | None:
        """Every tested hypothesis: prediction, effect, interval, corrected tests, ruling."""
        rows = [
            (
                f"{{{{ref:sec:{line.hypothesis}}}}}",
                f"{{{{plan:{line.experiment}.test.treatment.label|text}}}} against "
                f"{{{{plan:{line.experiment}.test.control.label|text}}}}",
                f"{{{{cmp:{line.id}.predicted_effect|pp}}}}",
                f"{{{{cmp:{line.id}.effect|pp}}}}",
                f"{{{{cmp:{line.id}.low|pp}}}} to {{{{cmp:{line.id}.high|pp}}}}",
                f"{{{{verdict:{line.hypothesis}.p_support_holm|p}}}}",
                f"{{{{verdict:{line.hypothesis}.p_refute_holm|p}}}}",
                self.view.ruling(line.hypothesis),
            )
            for line in self.view.comparisons
            if self.view.ruling(line.hypothesis)
        ]
        if not rows:
            return None
        return Table(
            label="tab:verdicts",
            caption="Every tested hypothesis. Predicted: the least effect that the frozen plan "
            "predicts, in percentage points. Both tests are exact, in the direction of the column, "
            "and corrected with Holm's method over all hypotheses of the run.",
            columns=(
                Column(title="Section", align="l"),
                Column(title="Comparison", align="X"),
                Column(title="Predicted"),
                Column(title="Effect"),
                Column(title="Interval"),
                Column(title="$p$, exceeds null"),
                Column(title="$p$, falls short"),
                Column(title="Verdict", align="l"),
            ),
            rows=tuple(rows),
            wide=True,
        )

    def forest_figure(self) -> Figure | None:
        """Effects of all hypotheses with their intervals, beside what was predicted."""
        lines = [c for c in self.view.comparisons if self.view.ruling(c.hypothesis)]
        if not lines:
            return None
        names = tuple(self.view.hypothesis_title(line.hypothesis) for line in lines)
        series = (
            Series(
                label="effect",
                x=names,
                y=tuple(f"cmp:{line.id}.effect" for line in lines),
                low=tuple(f"cmp:{line.id}.low" for line in lines),
                high=tuple(f"cmp:{line.id}.high" for line in lines),
            ),
            Series(
                label="predicted",
                x=names,
                y=tuple(f"cmp:{line.id}.predicted_effect" for line in lines),
            ),
            Series(label="null", x=names, y=tuple(f"cmp:{line.id}.null_effect" for line in lines)),
        )
        return Figure(
            label="fig:forest",
            caption="The effect of every tested hypothesis with its interval, beside the effect "
            "that its plan predicted and the null value of its test.",
            draw="forest",
            series=series,
            x_label="effect on accuracy",
            y_label="",
            alt="Forest plot of the effects of all hypotheses.",
        )

    def search_figure(self) -> Figure | None:
        """Best development accuracy so far against evaluations, for every search."""
        task = self.view.primary
        series = []
        for arm in self.view.measured_arms:
            points = self._points.get(arm, ())
            if len(points) < 2 or self.view.arms[arm].arguments.get("dev_items"):
                continue
            at = [f"{arm}/{task}/dev/best:{n}" for n in points]
            series.append(
                Series(
                    label=self.view.label(arm),
                    x=tuple(str(n) for n in points),
                    y=tuple(f"mean:{a}" for a in at),
                    low=tuple(f"low:{a}" for a in at),
                    high=tuple(f"high:{a}" for a in at),
                )
            )
        if not series:
            return None
        return Figure(
            label="fig:search",
            caption="Progress of the searches: fitness of the best candidate so far on the "
            "development items, mean over the paired seeds with its interval.",
            draw="curves",
            series=tuple(series),
            x_label="evaluations",
            y_label="best fitness so far",
            alt="Curves of the best fitness against the number of evaluations.",
        )

    @cached_property
    def _points(self) -> dict[str, tuple[int, ...]]:
        found: dict[str, set[int]] = {}
        for line in self.view.ledger.lines(EvidenceLine):
            if line.metric.startswith("best:"):
                found.setdefault(line.arm, set()).add(int(line.metric.removeprefix("best:")))
        return {arm: tuple(sorted(points)) for arm, points in found.items()}

    def merge_map(self) -> Figure | None:
        """Mean coefficient of every parent and parameter group in the evolved merge."""
        arm = self.view.layerwise_arm
        if arm is None:
            return None
        task = self.view.primary
        series = tuple(
            Series(
                label=self.view.role_label(role),
                x=groups,
                y=tuple(f"mean:{arm}/{task}/dev/coefficient:{role}/{g}" for g in groups),
            )
            for role, groups in self.view.coefficients(arm).items()
        )
        if not series:
            return None
        return Figure(
            label="fig:map",
            caption="What was merged where: mean coefficient of each parent's task vector in every "
            f"parameter group of the {self.view.inline_label(arm)}.",
            draw="heatmap",
            series=series,
            x_label="parameter group",
            y_label="parent",
            alt="Heat map of merging coefficients by parent and parameter group.",
        )
