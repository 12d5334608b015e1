"""What the ledger holds about an experiment's arms, found by the call of each."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

from sandbox.ledger import Ledger
from sandbox.records import EvidenceLine, Split, TrialLine, digest_of
from tools.experiment import Experiment, Side
from tools.tool import find_tool


class Measured:
    """Evidence of an experiment's metric, by arm, seed, task and split.

    A trial answers an arm when tool, normalised arguments and seed agree, whatever name it ran
    under; of two such trials (the code changed between two sessions) the later counts.
    """

    def __init__(self, ledger: Ledger, experiment: Experiment) -> None:
        self._calls = {
            arm.name: _call(arm.tool, find_tool(arm.tool).normal(arm.arguments))
            for arm in experiment.arms
        }
        trials = [line for line in ledger.lines(TrialLine) if line.status == "ok"]
        self._trials = {(_call(t.tool, t.arguments), t.seed): t.id for t in trials}
        self._evidence = {
            (line.trial, line.task, line.split): line
            for line in ledger.lines(EvidenceLine)
            if line.metric == experiment.test.metric
        }

    def of(self, arm: str, seed: int, tasks: Sequence[str], split: Split) -> list[EvidenceLine]:
        """One value for each task, or nothing when any is missing."""
        trial = self._trials.get((self._calls[arm], seed), "")
        found = [self._evidence.get((trial, task, split)) for task in tasks]
        return [line for line in found if line is not None] if None not in found else []

    def any(self, side: Side, seed: int) -> bool:
        """Whether any arm of this side was measured on any of its tasks with this seed."""
        return any(
            self.of(arm, seed, (task,), side.split) for arm in side.arms for task in side.tasks
        )


def _call(tool: str, arguments: dict[str, JsonValue]) -> str:
    return digest_of([tool, arguments])
