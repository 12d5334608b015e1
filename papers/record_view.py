"""Look-ups over a run's records that the exhibits share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from pydantic import JsonValue

from papers.effect import form_of
from papers.planned import is_gate
from papers.value import rounded
from sandbox.ledger import Ledger
from sandbox.records import (
    ComparisonLine,
    EvidenceLine,
    HypothesisLine,
    PlanLine,
    VerdictLine,
)

_TITLES = {"task_arithmetic": "task arithmetic"}


class PlannedArm:
    """An arm as its frozen plan has it."""

    def __init__(self, plan: str, body: Mapping[str, Any]) -> None:
        self.plan = plan
        self.name = str(body["name"])
        self.label = str(body["label"])
        self.tool = str(body["tool"])
        self.role = str(body["role"])
        self.arguments: Mapping[str, Any] = body["arguments"]


class RecordView:
    """Arms, tasks, roles and rulings by name.

    facts: run.json; plans: experiment id -> frozen plan.
    """

    def __init__(
        self, ledger: Ledger, facts: Mapping[str, JsonValue], plans: Mapping[str, JsonValue]
    ) -> None:
        self.ledger = ledger
        self.subject: Mapping[str, Any] = facts["subject"]  # type: ignore[assignment]
        self._plans = plans

    @cached_property
    def arms(self) -> dict[str, PlannedArm]:
        """Every planned arm by name; the first plan that has it wins."""
        found: dict[str, PlannedArm] = {}
        for line in self.ledger.lines(PlanLine):
            plan = self._plans.get(line.id)
            for body in plan["arms"] if isinstance(plan, dict) else ():  # type: ignore[union-attr]
                arm = PlannedArm(line.id, body)  # type: ignore[arg-type]
                found.setdefault(arm.name, arm)
        return found

    def is_gate(self, plan: str) -> bool:
        """Whether that plan's test is a part of a gate, which is tested by itself."""
        return is_gate(self._plans, plan)

    def form(self, plan: str) -> str:
        """How a difference of that plan's metric is printed."""
        body: Any = self._plans.get(plan, {"test": {}})
        return form_of(str(body["test"].get("metric", "accuracy")))

    @cached_property
    def _evidence(self) -> dict[tuple[str, str, str, str], list[EvidenceLine]]:
        found: dict[tuple[str, str, str, str], list[EvidenceLine]] = {}
        for line in self.ledger.lines(EvidenceLine):
            found.setdefault((line.arm, line.task, line.metric, line.split), []).append(line)
        return found

    def has(self, arm: str, task: str, metric: str = "accuracy", split: str = "test") -> bool:
        """Whether any such value was measured."""
        return (arm, task, metric, split) in self._evidence

    def count(self, arm: str, task: str, metric: str = "accuracy", split: str = "test") -> int:
        """How many seeds gave such a value; an interval needs two."""
        return len({line.seed for line in self._evidence.get((arm, task, metric, split), [])})

    def mean(self, arm: str, task: str) -> float:
        """Mean test accuracy: decides order and bold marks, is never printed from here."""
        lines = self._evidence[arm, task, "accuracy", "test"]
        return math.fsum(line.value for line in lines) / len(lines)

    def seeds(self, arm: str) -> tuple[int, ...]:
        """Seeds with a test value on the primary task."""
        lines = self._evidence.get((arm, self.primary, "accuracy", "test"), [])
        return tuple(sorted(line.seed for line in lines))

    @cached_property
    def measured_arms(self) -> tuple[str, ...]:
        """Arms with a test value on the primary task, grouped, then by their mean."""
        names = [name for name in self.arms if self.has(name, self.primary)]
        return tuple(sorted(names, key=lambda n: (self.group(n), self.mean(n, self.primary))))

    def group(self, arm: str) -> int:
        """Place in the main table: 0 single models, 1 fixed merges, 2 searches, 3 trained."""
        return {"evaluate": 0, "merge": 1, "search": 2, "finetune": 3}.get(self.arms[arm].tool, 4)

    def best_rows(self, arms: tuple[str, ...], task: str) -> tuple[int, ...]:
        """Rows whose mean on the task is highest, as shown with three decimals."""
        means = {i: rounded(self.mean(a, task), 3) for i, a in enumerate(arms) if self.has(a, task)}
        top = max(means.values(), default=None)
        return tuple(i for i, value in means.items() if value == top)

    def label(self, arm: str) -> str:
        """The arm's label as a reference into its plan."""
        return f"{{{{plan:{self.arms[arm].plan}.arm.{arm}.label|text}}}}"

    def inline_label(self, arm: str) -> str:
        """The same within a sentence."""
        return f"{{{{plan:{self.arms[arm].plan}.arm.{arm}.label|inline}}}}"

    @property
    def domain(self) -> str:
        """What the subject is about; `merging` where run.json does not say."""
        return str(self.subject.get("domain", "merging"))

    @property
    def primary(self) -> str:
        """Name of the primary task."""
        return str(self.subject["primary"])

    @property
    def tasks(self) -> list[Mapping[str, Any]]:
        """Tasks of the subject, as in run.json."""
        return list(self.subject["tasks"])

    @property
    def shown_tasks(self) -> tuple[str, ...]:
        """Further columns of the main table: what the parents know, four at most."""
        return tuple(t for t in self.subject["kept"] if t != self.primary)[:4]

    def task_title(self, name: str) -> str:
        """The task's label as a reference into run.json."""
        names = [task["name"] for task in self.tasks]
        return f"{{{{fact:subject.tasks.{names.index(name)}.label|text}}}}"

    @property
    def roles(self) -> list[Mapping[str, Any]]:
        """Roles of the subject, as in run.json."""
        return list(self.subject["roles"])

    @cached_property
    def roles_used(self) -> frozenset[str]:
        """Base, parents, and every role that an arm names."""
        used = {str(r["name"]) for r in self.roles if r["kind"] in ("base", "parent")}
        for arm in self.arms.values():
            named = arm.arguments.get("roles") or [arm.arguments.get("role")]
            used.update(str(role) for role in named if role)
        return frozenset(used)

    def role_label(self, name: str) -> str:
        """The role's label as a reference into run.json."""
        names = [role["name"] for role in self.roles]
        return f"{{{{fact:subject.roles.{names.index(name)}.label|text}}}}"

    @property
    def comparisons(self) -> list[ComparisonLine]:
        """All comparisons, in the order of their making."""
        return self.ledger.lines(ComparisonLine)

    def ruling(self, hypothesis: str) -> str:
        """The verdict's word, empty when there is none."""
        found = [v for v in self.ledger.lines(VerdictLine) if v.hypothesis == hypothesis]
        return found[-1].ruling if found else ""

    def hypothesis_title(self, id: str) -> str:
        """The title of a hypothesis."""
        line = self.ledger.find(HypothesisLine, id)
        return line.title if line else id

    @cached_property
    def layerwise_arm(self) -> str | None:
        """The evolved layer-wise arm, if it was measured."""
        for name in self.measured_arms:
            arm = self.arms[name]
            if arm.tool == "search" and arm.arguments.get("strategy", "evolve") == "evolve":
                return name
        return None

    def coefficients(self, arm: str) -> dict[str, tuple[str, ...]]:
        """Parameter groups that have a coefficient, by role, in the model's order."""
        order = list(self.subject["groups"])
        found: dict[str, tuple[str, ...]] = {}
        for role in self.roles:
            groups = [
                g
                for g in order
                if self.has(arm, self.primary, f"coefficient:{role['name']}/{g}", "dev")
            ]
            if groups:
                found[str(role["name"])] = tuple(groups)
        return found
