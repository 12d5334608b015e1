"""The frozen test of a comparison: what its plan says of either side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from sandbox.ledger import Ledger
from sandbox.records import EvidenceLine, TrialLine


@dataclass(frozen=True)
class PlannedSide:
    """A side of a frozen test. calls: arm -> its tool and arguments, where the plan has them."""

    arms: list[str]
    tasks: list[str]
    split: str
    calls: Mapping[str, tuple[object, Mapping[str, object]]]

    def holds(self, evidence: EvidenceLine, ledger: Ledger) -> bool:
        """Whether the plan asks for this value here, by its arm's name or by its call."""
        if evidence.split != self.split or evidence.task not in self.tasks:
            return False
        trial = ledger.find(TrialLine, evidence.trial)
        return evidence.arm in self.arms or any(
            trial is not None
            and trial.tool == tool
            and all(trial.arguments.get(name) == value for name, value in arguments.items())
            for tool, arguments in self.calls.values()
        )


def plan_test(plans: Mapping[str, JsonValue], experiment: str) -> Mapping[str, object] | None:
    """The `test` part of a frozen plan, None when the plan is not there."""
    plan = plans.get(experiment)
    test = plan.get("test") if isinstance(plan, dict) else None
    return test if isinstance(test, dict) else None


def is_gate(plans: Mapping[str, JsonValue], experiment: str) -> bool:
    """Whether the frozen test is a part of a gate, which is tested by itself."""
    return (plan_test(plans, experiment) or {}).get("gate") is True


def side_of(plans: Mapping[str, JsonValue], experiment: str, name: str) -> PlannedSide | None:
    """`treatment` or `control` of a frozen plan, None when the plan does not have it."""
    test = plan_test(plans, experiment)
    side = test.get(name) if test else None
    if not isinstance(side, dict):
        return None
    arms = _names(side, "arms")
    return PlannedSide(
        arms=arms,
        tasks=_names(side, "tasks"),
        split=str(side.get("split", "test")),
        calls={name: call for name, call in _calls(plans[experiment]).items() if name in arms},
    )


def _calls(plan: JsonValue) -> dict[str, tuple[object, Mapping[str, object]]]:
    bodies = plan.get("arms") if isinstance(plan, dict) else None
    calls: dict[str, tuple[object, Mapping[str, object]]] = {}
    for arm in bodies if isinstance(bodies, list) else ():
        if isinstance(arm, dict):
            arguments = arm.get("arguments")
            calls[str(arm.get("name"))] = (
                arm.get("tool"),
                arguments if isinstance(arguments, dict) else {},
            )
    return calls


def _names(side: Mapping[str, object], key: str) -> list[str]:
    names = side.get(key)
    return [str(name) for name in names] if isinstance(names, list | tuple) else []
