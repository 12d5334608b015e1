"""Look-ups over the records of a run that trains architectures."""

from __future__ import annotations

from functools import cached_property

from papers.record_view import RecordView
from sandbox.records import EvidenceLine

METRICS = {"bits": "bits"}
"""Kind of task -> metric of its test items; accuracy for all others."""


class ArchitectureView:
    """Arms by the task that they were trained on. records: the run's."""

    def __init__(self, records: RecordView) -> None:
        self.records = records

    @cached_property
    def _evidence(self) -> dict[tuple[str, str, str, str], list[EvidenceLine]]:
        found: dict[tuple[str, str, str, str], list[EvidenceLine]] = {}
        for line in self.records.ledger.lines(EvidenceLine):
            found.setdefault((line.arm, line.task, line.split, line.metric), []).append(line)
        return found

    @cached_property
    def tasks_used(self) -> tuple[str, ...]:
        """Tasks with a test value of an arm, the primary one first."""
        used = {self.home(arm) for arm in self.arms}
        names = [str(task["name"]) for task in self.records.tasks]
        order = sorted(names, key=lambda name: name != self.records.primary)
        return tuple(name for name in order if name in used)

    @cached_property
    def arms(self) -> tuple[str, ...]:
        """Arms with a test value, by task (the primary one first), then by their mean."""
        names = [str(task["name"]) for task in self.records.tasks]
        found = [arm for arm in self.records.arms if self._values(arm)]
        primary = self.records.primary

        def place(arm: str) -> tuple[bool, int, float]:
            values = self._values(arm)
            home = self.home(arm)
            return home != primary, names.index(home), sum(v.value for v in values) / len(values)

        return tuple(sorted(found, key=place))

    @cached_property
    def rules(self) -> tuple[int, ...]:
        """Rows before which the task changes."""
        homes = [self.home(arm) for arm in self.arms]
        return tuple(i for i in range(1, len(homes)) if homes[i] != homes[i - 1])

    def home(self, arm: str) -> str:
        """The task that the arm is trained and tested on."""
        return str(self.records.arms[arm].arguments.get("task", self.records.primary))

    def metric(self, task: str) -> str:
        """How the task's test items are scored."""
        kinds = {str(t["name"]): str(t.get("kind", "")) for t in self.records.tasks}
        return METRICS.get(kinds.get(task, ""), "accuracy")

    def score_of(self, task: str) -> str:
        """The metric in words."""
        return "bits per token" if self.metric(task) == "bits" else "accuracy"

    @property
    def score(self) -> str:
        """The metrics of all tasks that were used, in words."""
        return " or ".join(dict.fromkeys(self.score_of(task) for task in self.tasks_used))

    def at(self, arm: str) -> str:
        """The group of the arm's test values, as an expression names it."""
        task = self.home(arm)
        return f"{arm}/{task}/test{self._suffix(task)}"

    def each_seed(self, arm: str) -> tuple[str, ...]:
        """Every single test value as an expression."""
        seeds = sorted({line.seed for line in self._values(arm)})
        return tuple(self.of_seed(arm, seed) for seed in seeds)

    def of_seed(self, arm: str, seed: int) -> str:
        """One seed's test value as an expression; empty when there is none."""
        if arm not in self.records.arms or all(line.seed != seed for line in self._values(arm)):
            return ""
        task = self.home(arm)
        return f"at:{arm}/{task}/test/{seed}{self._suffix(task)}"

    def _suffix(self, task: str) -> str:
        metric = self.metric(task)
        return "" if metric == "accuracy" else f"/{metric}"

    def seeds(self, arm: str) -> int:
        """How many seeds gave a test value."""
        return len({line.seed for line in self._values(arm)})

    def costs(self, arm: str, measure: str) -> str:
        """The group of a measure as an expression names it; empty when it was not taken."""
        key = (arm, self.records.primary, "dev", measure)
        return f"{arm}/{self.records.primary}/dev/{measure}" if key in self._evidence else ""

    def spread(self, arm: str, measure: str, form: str) -> str:
        """A cell with the measure: one value, or the range over seeds where they differ."""
        at = self.costs(arm, measure)
        if not at:
            return "--"
        values = {line.value for line in self._evidence[arm, self.records.primary, "dev", measure]}
        low, high = f"{{{{min:{at}|{form}}}}}", f"{{{{max:{at}|{form}}}}}"
        return high if len(values) == 1 else f"{low}--{high}"

    def cost(self, arm: str, measure: str) -> float:
        """The largest value over seeds: decides what is drawn, is never printed."""
        lines = self._evidence[arm, self.records.primary, "dev", measure]
        return max(line.value for line in lines)

    def inline_task(self, name: str) -> str:
        """The task's label within a sentence."""
        return self.records.task_title(name).replace("|text", "|inline")

    def _values(self, arm: str) -> list[EvidenceLine]:
        task = self.home(arm)
        return self._evidence.get((arm, task, "test", self.metric(task)), [])
