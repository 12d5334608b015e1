"""Tables that evidence makes: no mind writes or chooses a value in them."""

from __future__ import annotations

from papers.effect import form_of, units_of
from papers.manuscript import Column, Table
from papers.record_view import RecordView
from sandbox.records import ComparisonLine


class ResultTables:
    """Builds the tables of set-up and results, or None where there is nothing to show."""

    def __init__(self, view: RecordView) -> None:
        self.view = view

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
            f"primary task{self._without_interval(arms)}; the highest mean of each column is set "
            "in bold, which states no test. "
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

    def _without_interval(self, arms: tuple[str, ...]) -> str:
        """Where the column of intervals has a dash, for the caption."""
        single = any(self.view.count(arm, self.view.primary) < 2 for arm in arms)
        return ", with a dash where a single seed gave a value" * single

    def _main_row(self, name: str, tasks: tuple[str, ...]) -> tuple[str, ...]:
        primary = tasks[0]
        spent = self.view.has(name, primary, "evaluations", "dev")
        interval = f"{{{{low:{name}/{primary}/test|.3f}}}}--{{{{high:{name}/{primary}/test|.3f}}}}"
        return (
            self.view.label(name),
            f"{{{{mean:{name}/{primary}/test|.3f}}}}",
            interval if self.view.count(name, primary) > 1 else "--",
            *(
                f"{{{{mean:{name}/{task}/test|.3f}}}}" if self.view.has(name, task) else "--"
                for task in tasks[1:]
            ),
            f"{{{{max:{name}/{primary}/dev/evaluations|d}}}}" if spent else "--",
            f"{{{{n:{name}/{primary}/test|d}}}}",
        )

    def verdict_table(self) -> Table | None:
        """Every tested hypothesis: prediction, effect, interval, corrected tests, ruling."""
        rows = [
            self._verdict_row(line)
            for line in self.view.comparisons
            if self.view.ruling(line.hypothesis)
        ]
        if not rows:
            return None
        exact = all(line.exact for line in self.view.comparisons)
        units = units_of(line.metric for line in self.view.comparisons)
        return Table(
            label="tab:verdicts",
            caption="Every tested hypothesis. Predicted: the least effect that the frozen plan "
            f"predicts, {units}. Both tests are {'exact, ' * exact}in the direction of "
            "the column, and corrected with Holm's method over all hypotheses "
            f"of the run{self._apart()}.",
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

    def _apart(self) -> str:
        """What the correction leaves out, for the caption."""
        gate = any(self.view.is_gate(line.experiment) for line in self.view.comparisons)
        return " but those of the gate, each of which is tested by itself" if gate else ""

    def _verdict_row(self, line: ComparisonLine) -> tuple[str, ...]:
        form = form_of(line.metric)
        return (
            f"{{{{ref:sec:{line.hypothesis}}}}}",
            f"{{{{plan:{line.experiment}.test.treatment.label|text}}}} against "
            f"{{{{plan:{line.experiment}.test.control.label|inline}}}}",
            f"{{{{cmp:{line.id}.predicted_effect|{form}}}}}",
            f"{{{{cmp:{line.id}.effect|{form}}}}}",
            f"{{{{cmp:{line.id}.low|{form}}}}} to {{{{cmp:{line.id}.high|{form}}}}}",
            f"{{{{verdict:{line.hypothesis}.p_support_holm|p}}}}",
            f"{{{{verdict:{line.hypothesis}.p_refute_holm|p}}}}",
            self.view.ruling(line.hypothesis),
        )
