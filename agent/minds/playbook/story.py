"""What a run has to tell, looked up in one place: plans, comparisons and verdicts by hypothesis."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from pydantic import JsonValue

from agent.minds.playbook.family import gates, is_gate
from papers.exhibits.exhibit import exhibits_of
from papers.manuscript import Figure, Table
from papers.record_view import RecordView
from sandbox.ledger import Ledger
from sandbox.records import (
    ClaimLine,
    ComparisonLine,
    DeviationLine,
    EvidenceLine,
    HypothesisLine,
    MemoryLine,
    PlanLine,
    TrialLine,
    VerdictLine,
)
from tools.experiment import Arm, Experiment

GateState = Literal["none", "not run", "missed", "held"]
"""`none` where the domain has no known order."""
LONGEST_TITLE = 100
"""Characters of a question that a paper may be called after."""


@dataclass(frozen=True)
class Finding:
    """A hypothesis with its plan, comparison and verdict, as far as the run got.

    before: what an earlier run answered that it follows up.
    """

    hypothesis: HypothesisLine
    plan: Experiment | None
    comparison: ComparisonLine | None
    verdict: VerdictLine | None
    before: MemoryLine | None = None

    @property
    def ruling(self) -> str:
        """The verdict's word, or `untested` when no comparison could be made."""
        return self.verdict.ruling if self.verdict and self.comparison else "untested"


def sections(findings: Iterable[Finding]) -> str:
    """Where the findings stand, as references in a row."""
    return ", ".join(f"{{{{ref:sec:{finding.hypothesis.id}}}}}" for finding in findings)


def noun(count: int, one: str, many: str) -> str:
    """The form of a noun after a number that the paper fills in."""
    return one if count == 1 else many


@dataclass(frozen=True)
class Story:
    """Read-only view of a finished run for whoever writes it up."""

    ledger: Ledger
    facts: Mapping[str, JsonValue]
    plans: Mapping[str, JsonValue]

    @property
    def quotable_question(self) -> str:
        """What was asked, empty where it is no short question or has a number in it."""
        from papers.review.checks.untraced_number import NUMBER

        asked = str(self.facts.get("question", ""))
        fits = asked.endswith("?") and len(asked) <= LONGEST_TITLE and not NUMBER.search(asked)
        return asked if fits else ""

    @cached_property
    def experiments(self) -> dict[str, Experiment]:
        """Frozen plans, by experiment id, in the order of their freezing."""
        order = [line.id for line in self.ledger.lines(PlanLine)]
        return {id: Experiment.model_validate(self.plans[id]) for id in order if id in self.plans}

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """One for every hypothesis, in the order in which they were proposed."""
        plans = {plan.hypothesis: plan for plan in self.experiments.values()}
        comparisons = {line.hypothesis: line for line in self.ledger.lines(ComparisonLine)}
        verdicts = {line.hypothesis: line for line in self.ledger.lines(VerdictLine)}
        earlier = {line.id: line for line in self.ledger.lines(MemoryLine)}
        return tuple(
            Finding(
                line,
                plans.get(line.id),
                comparisons.get(line.id),
                verdicts.get(line.id),
                earlier.get(line.parent),
            )
            for line in self.ledger.lines(HypothesisLine)
        )

    @cached_property
    def gate(self) -> tuple[Finding, ...]:
        """The findings that are the domain's known order, asked before all others."""
        return tuple(f for f in self.findings if is_gate(f.hypothesis, self.domain))

    @cached_property
    def gate_state(self) -> GateState:
        """How the domain's known order fared; a part that was not asked is not reproduced."""
        wanted = set(gates(self.domain))
        if not wanted:
            return "none"
        if not self.gate:
            return "not run"
        held = {f.hypothesis.family for f in self.gate if f.ruling == "supported"}
        return "held" if wanted <= held else "missed"

    @cached_property
    def gated(self) -> bool:
        """Whether some of the plans are a gate, tested apart from all others."""
        return any(plan.test.gate for plan in self.experiments.values())

    @cached_property
    def shown(self) -> frozenset[str]:
        """Labels of the tables and figures that this run gives a paper."""
        made = exhibits_of(RecordView(self.ledger, self.facts, self.plans))
        blocks = (*made.setup(), *made.results())
        return frozenset(b.label for b in blocks if isinstance(b, Table | Figure))

    def see(self, label: str) -> str:
        """A reference in brackets to a table or figure, empty where the paper has none."""
        return f" ({{{{ref:{label}}}}})" * (label in self.shown)

    def of_family(self, family: str) -> Finding | None:
        """The first finding of a family."""
        return next((f for f in self.findings if f.hypothesis.family == family), None)

    def arm(self, tool: str, **arguments: JsonValue) -> tuple[str, Arm] | None:
        """(experiment id, arm) of the first planned arm of that tool whose arguments match.

        None matches what is left out or empty.
        """
        for id, plan in self.experiments.items():
            for arm in plan.arms:
                matches = all((arm.arguments.get(k) or None) == v for k, v in arguments.items())
                if arm.tool == tool and matches and self.measured(arm.name):
                    return id, arm
        return None

    def measured(self, arm: str) -> bool:
        """Whether any trial of the arm gave a test value on the primary task."""
        return arm in self._measured

    @cached_property
    def _measured(self) -> frozenset[str]:
        primary = self.subject("primary")
        return frozenset(
            line.arm
            for line in self.ledger.lines(EvidenceLine)
            if line.metric == "accuracy" and line.split == "test" and line.task == primary
        )

    def mean(self, arm: str) -> float:
        """Mean test accuracy of an arm on the primary task: decides wording, is never printed."""
        primary = self.subject("primary")
        values = [
            line.value
            for line in self.ledger.lines(EvidenceLine)
            if (line.metric, line.split, line.task, line.arm) == ("accuracy", "test", primary, arm)
        ]
        return math.fsum(values) / len(values)

    def subject(self, field: str) -> JsonValue:
        """A field of the subject in run.json."""
        subject = self.facts["subject"]
        assert isinstance(subject, dict)
        return subject[field]

    @property
    def domain(self) -> str:
        """What the subject is about; `merging` where run.json does not say."""
        subject = self.facts["subject"]
        assert isinstance(subject, dict)
        return str(subject.get("domain", "merging"))

    def claims(self, *findings: Finding) -> tuple[str, ...]:
        """Ids of the claims that the ledger allows about these findings."""
        wanted = {f.hypothesis.id for f in findings}
        return tuple(c.id for c in self.ledger.lines(ClaimLine) if c.hypothesis in wanted)

    @cached_property
    def exact(self) -> bool:
        """Whether every test went through all signs, not through a random sample of them."""
        return all(line.exact for line in self.ledger.lines(ComparisonLine))

    @property
    def primary(self) -> str:
        """Name of the primary task."""
        return str(self.subject("primary"))

    @property
    def primary_label(self) -> str:
        """Expression of the primary task's label."""
        tasks = self.subject("tasks")
        assert isinstance(tasks, list)
        names = [task["name"] for task in tasks if isinstance(task, dict)]
        return f"fact:subject.tasks.{names.index(self.primary)}.label"

    @property
    def confined(self) -> bool:
        """Whether a sandbox kept the trials from the machine and its network."""
        sandbox = self.facts["sandbox"]
        assert isinstance(sandbox, dict)
        return bool(sandbox["confined"])

    @property
    def degraded_by(self) -> tuple[str, ...]:
        """What the sandbox's level is degraded by, empty where it is not."""
        sandbox = self.facts["sandbox"]
        lacks = sandbox.get("lacks") if isinstance(sandbox, dict) else None
        return tuple(map(str, lacks)) if isinstance(lacks, list) else ()

    @cached_property
    def failed(self) -> tuple[TrialLine, ...]:
        """Trials that failed or were killed."""
        return tuple(t for t in self.ledger.lines(TrialLine) if t.status != "ok")

    @cached_property
    def deviations(self) -> tuple[DeviationLine, ...]:
        """What was done otherwise than planned."""
        return tuple(self.ledger.lines(DeviationLine))
