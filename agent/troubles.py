"""What kept an arm from a fair result for technical reasons, read from how its trials ended."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.ledger import Ledger
from sandbox.records import EvidenceLine, TrialLine, digest_of
from tools.experiment import Experiment
from tools.freeze import call_of

LIMITS = {"memory": "memory", "wall": "time", "cpu": "time"}
"""Limit that ended a trial -> what there was too little of."""
SHARE = 0.5
"""Of an arm's planned seeds; what befalls fewer is a failed pair and no more."""


def troubles(ledger: Ledger, plan: Experiment) -> dict[str, str]:
    """Arm -> `memory`, `time` or `diverged`, where half of its seeds or more ended so."""
    found: dict[str, str] = {}
    calls = {call_of(arm): arm.name for arm in plan.arms}
    for why in ("memory", "time", "diverged"):
        befallen: dict[str, set[int]] = {}
        for trial in _befallen(ledger, why):
            arm = calls.get(digest_of([trial.tool, trial.arguments]))
            if arm is not None and trial.seed in plan.seeds:
                befallen.setdefault(arm, set()).add(trial.seed)
        for arm, seeds in befallen.items():
            if len(seeds) >= SHARE * len(plan.seeds):
                found.setdefault(arm, why)
    return found


def _befallen(ledger: Ledger, why: str) -> Iterator[TrialLine]:
    if why != "diverged":
        yield from (t for t in ledger.lines(TrialLine) if LIMITS.get(t.limit) == why)
        return
    for line in ledger.lines(EvidenceLine):
        trial = ledger.find(TrialLine, line.trial) if line.metric == why and line.value else None
        if trial is not None:
            yield trial
