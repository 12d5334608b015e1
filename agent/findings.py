"""What the run knows so far, read from its ledger."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TypeVar

from pydantic import JsonValue

from agent.lab import Lab
from agent.minds.mind import Known, RoundRequest
from agent.minds.playbook.family import gates, is_gate
from agent.troubles import troubles
from sandbox.records import ComparisonLine, HypothesisLine, PlanLine, VerdictLine
from tools.compare import rule
from tools.experiment import Arm, Experiment, PairedTest, Side
from tools.freeze import frozen_plans
from tools.roster import cost_s

BUSY_SHARE = 0.85
Q = TypeVar("Q", bound=RoundRequest)


def known(lab: Lab, before_round: int) -> tuple[Known, ...]:
    """Hypotheses of earlier rounds with their provisional rulings, oldest first."""
    plans = {plan.hypothesis: plan for plan in frozen_plans(lab.ledger, lab.folder)}
    comparisons = {line.hypothesis: line for line in lab.ledger.lines(ComparisonLine)}
    rulings = provisional(lab, list(plans.values()))
    found = []
    for line in lab.ledger.lines(HypothesisLine):
        if line.round < before_round:
            ruling = rulings.get(line.id, "")
            plan = plans.get(line.id)
            ended = troubles(lab.ledger, plan) if plan is not None else {}
            found.append(Known(line, plan, comparisons.get(line.id), ruling, ended))
    return tuple(found)


def provisional(lab: Lab, plans: Sequence[Experiment]) -> dict[str, str]:
    """Hypothesis -> ruling on what is measured so far."""
    verdicts = rule(lab.ledger.lines(ComparisonLine), plans) if plans else []
    return {line.hypothesis: line.ruling for line in verdicts if line.comparison}


def verdicts(lab: Lab) -> tuple[VerdictLine, ...]:
    """The sealed verdicts."""
    return tuple(lab.ledger.lines(VerdictLine))


def plan_bodies(lab: Lab) -> dict[str, JsonValue]:
    """Experiment id -> frozen plan, as on disk."""
    files = {line.id: lab.folder / line.file for line in lab.ledger.lines(PlanLine)}
    return {id: json.loads(path.read_text(encoding="utf-8")) for id, path in files.items()}


def fresh_seeds(lab: Lab) -> tuple[int, ...]:
    """As many seeds as a plan needs that no plan has used; empty when the data allow no more."""
    used = {seed for plan in frozen_plans(lab.ledger, lab.folder) for seed in plan.seeds}
    unused = tuple(seed for seed in lab.spare if seed not in used)
    count = len(lab.seeds)
    return unused[:count] if len(unused) >= count else ()


def room(lab: Lab, before_round: int = 0) -> int:
    """Hypotheses that still fit: in the family, and in the gate while parts of it are not asked.

    before_round: count those of earlier rounds alone.
    """
    domain = lab.subject.domain
    lines = [h for h in lab.ledger.lines(HypothesisLine) if h.round < (before_round or math.inf)]
    parts = {line.family for line in lines if is_gate(line, domain)}
    asked = len(lines) - len(parts)
    return max(0, lab.topic.hypotheses - asked) + len(set(gates(domain)) - parts)


def affordable_cpu_s(lab: Lab) -> float:
    """CPU seconds of trials that fit in what is left, with a margin for starting and waiting."""
    left = lab.budget.left()
    parallel = lab.executor.slots * left.wall_s * BUSY_SHARE
    return max(0.0, min(left.cpu_s, parallel))


class Price:
    """CPU seconds of trials that the run does not have yet.

    One seed is reckoned and the others are taken as equal.
    """

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._seen: dict[tuple[str, int], float] = {}

    def __call__(self, arms: tuple[Arm, ...], seeds: tuple[int, ...]) -> float:
        """Cost of these arms over these seeds."""
        if not arms or not seeds:
            return 0.0
        key = (" ".join(sorted(arm.name for arm in arms)), seeds[0])
        if key not in self._seen:
            self._seen[key] = self._of_one_seed(arms, seeds[0])
        return self._seen[key] * len(seeds)

    def _of_one_seed(self, arms: tuple[Arm, ...], seed: int) -> float:
        side = Side(label="any", arms=(arms[0].name,), tasks=(self._lab.subject.primary,))
        test = PairedTest(treatment=side, control=side, predicted_effect=0.0, family_size=1)
        plan = Experiment(
            hypothesis="priced", subject=self._lab.subject.name, arms=arms, seeds=(seed,), test=test
        )
        return cost_s([plan], self._lab.subject, self._lab.ledger, self._lab.scale)


def standing(lab: Lab, kind: type[Q], round_: int, before_round: int) -> Q:
    """A request of this kind, with what the hypotheses before a round have shown."""
    return kind(
        question=lab.topic.question,
        subject=lab.subject,
        round=round_,
        room=room(lab),
        afford_cpu_s=affordable_cpu_s(lab),
        price=Price(lab),
        known=known(lab, before_round),
        seeds=lab.seeds,
        fresh=fresh_seeds(lab),
        evaluations=lab.evaluations,
        seed=lab.settings.seed,
        recall=lab.memory.recall,
        remembered=lab.memory.told,
    )
