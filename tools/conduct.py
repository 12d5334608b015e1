"""Conduct a round of frozen experiments: every trial once, in the sandbox, into the ledger.

A trial is finished when its job's outcome is in its folder; it is recorded when its line is in the
ledger. After a crash the unfinished are run again (a search goes on from its journal) and the
finished are recorded, never run again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from typing import Literal

from sandbox.outcome import Outcome
from sandbox.records import DeviationLine, EvidenceLine, TrialLine, short_id
from tools.experiment import Experiment
from tools.expert_cache import ExpertCache
from tools.freeze import check_frozen
from tools.intake import Intake
from tools.roster import Costs, Planned, roster
from tools.steps import Steps
from tools.subject import Subject
from tools.trial_folder import TrialFolder
from tools.workshop import TrialEvent, Workshop

SPENT = "budget spent"
"""What a deviation begins with when the budget left trials out."""
_POLL_S = 0.2


def conduct(experiments: Sequence[Experiment], subject: Subject, workshop: Workshop) -> None:
    """Run every trial that these frozen experiments need and that the run does not have yet.

    Returns when all are recorded, when `workshop.stop` is set (call again to go on) or when the
    budget is spent (then each experiment gets a deviation that says how many of its trials were not
    run). Failed trials are recorded, and so are those that needed them. Raises PlanRefused when a
    plan is not frozen or was changed since.
    """
    for experiment in experiments:
        check_frozen(experiment, workshop.ledger, workshop.folder)
    shift = _Round(roster(experiments, subject, workshop.scale), subject, workshop)
    shift.recall()
    shift.run()
    if shift.spent:
        shift.own_up(experiments)


class _Round:
    """The trials of one round: waiting, running, ended."""

    def __init__(self, planned: Sequence[Planned], subject: Subject, workshop: Workshop) -> None:
        self.spent = False
        self._all = list(planned)
        self._subject = subject
        self._shop = workshop
        self._intake = Intake(subject, workshop.ledger)
        self._costs = Costs(workshop.ledger)
        self._cache = ExpertCache(workshop.cache) if workshop.cache is not None else None
        self._waiting = {trial.id: trial for trial in planned}
        self._running: dict[Future[Outcome], Planned] = {}
        self._ended: dict[str, TrialLine] = {}
        self._halted = False
        self._urgency = _urgency(self._all, self._costs)

    def recall(self) -> None:
        """Settle what is recorded, was finished before a crash, or is in the cache."""
        for planned in self._all:
            line = self._shop.ledger.find(TrialLine, planned.id)
            if line is not None:
                self._end(planned, line)
            else:
                self._pick_up(planned)

    def run(self) -> None:
        """Go on until all have ended, the round is stopped, or the budget is spent."""
        try:
            while self._running or (self._waiting and not self.spent):
                if self._shop.stop.is_set() or self._halted:
                    return self._halt()
                self._fill()
                done, _ = wait(self._running, timeout=_POLL_S, return_when=FIRST_COMPLETED)
                for future in done:
                    self._take(future)
        finally:
            if self._running:
                self._shop.executor.cancel()

    def own_up(self, experiments: Iterable[Experiment]) -> None:
        """Record for every experiment how many of its trials the budget did not allow."""
        for experiment in experiments:
            mine = [trial for trial in self._all if experiment.id in trial.experiments]
            left = [trial for trial in mine if trial.id in self._waiting]
            if not left:
                continue
            what = f"{SPENT}: {len(left)} of {len(mine)} trials not run"
            self._shop.ledger.append(
                DeviationLine(
                    id=short_id([experiment.id, what, sorted(trial.id for trial in left)]),
                    experiment=experiment.id,
                    what=what,
                    why="the next trial's estimated cost would have passed the run's budget",
                )
            )
        for trial in self._waiting.values():
            self._tell("not run", trial)

    def _pick_up(self, planned: Planned) -> None:
        folder = self._folder(planned)
        ending, what = self._steps(planned).finished(), "reused"
        if ending is None and planned.leaves_model and self._cache is not None:
            ending, what = self._cache.fetch(planned.id, folder), "cached"
        if ending is not None:
            line = self._intake.record(planned, ending, folder)
            self._end(planned, line)
            self._tell("cached" if what == "cached" else "reused", planned, line)

    def _fill(self) -> None:
        while len(self._running) < self._shop.executor.slots and not self.spent:
            planned = self._next()
            if planned is None:
                return
            if self._shop.reserve(planned, self._costs.of(planned)):
                self._start(planned)
            else:
                self.spent = True

    def _next(self) -> Planned | None:
        """Of the trials whose prerequisites ended, the most urgent."""
        ready = [t for t in self._waiting.values() if self._is_ready(t)]
        return min(ready, key=lambda trial: self._urgency[trial.id], default=None)

    def _is_ready(self, planned: Planned) -> bool:
        return all(need in self._ended for need in planned.spec.needs.values())

    def _start(self, planned: Planned) -> None:
        del self._waiting[planned.id]
        self._running[self._shop.executor.submit(self._steps(planned).begin())] = planned
        self._tell("started", planned)

    def _take(self, future: Future[Outcome]) -> None:
        """Go on with what is next of the trial, or record it; what was cancelled did not end."""
        planned = self._running.pop(future)
        try:
            outcome = future.result()
        except CancelledError:
            self._halted = True
            return
        if outcome.limit == "cancelled":
            self._halted = True
            return
        steps, folder = self._steps(planned), self._folder(planned)
        if (job := steps.after(outcome)) is not None:
            self._halted = self._halted or self._shop.stop.is_set()
            if not self._halted:
                self._running[self._shop.executor.submit(job)] = planned
            return
        ending = steps.seal()
        line = self._intake.record(planned, ending, folder)
        if line.status == "ok" and planned.leaves_model and self._cache is not None:
            self._cache.keep(planned.id, folder)
        self._costs.add(line)
        self._end(planned, line)
        self._tell("finished" if line.status == "ok" else "failed", planned, line)

    def _end(self, planned: Planned, line: TrialLine) -> None:
        self._waiting.pop(planned.id, None)
        self._ended[planned.id] = line
        if line.status != "ok":
            self._fail_dependants(planned)

    def _fail_dependants(self, failed: Planned) -> None:
        for trial in list(self._waiting.values()):
            if failed.id in trial.spec.needs.values() and trial.id in self._waiting:
                line = self._shop.ledger.find(TrialLine, trial.id)
                if line is None:
                    line = self._intake.refuse(trial, f"needs {failed.arm}, which failed")
                    self._tell("failed", trial, line)
                self._end(trial, line)

    def _halt(self) -> None:
        """Stop what runs; record what ended in the meantime."""
        self._shop.executor.cancel()
        dropped = [future for future in self._running if future.cancelled()]
        for future in dropped:  # `wait` would wait for ever: no thread ever tells it about these
            del self._running[future]
        for future in wait(self._running).done:
            self._take(future)

    def _folder(self, planned: Planned) -> TrialFolder:
        return TrialFolder(self._shop.folder, planned.id)

    def _steps(self, planned: Planned) -> Steps:
        return Steps(planned, self._shop.folder, self._subject)

    def _tell(
        self,
        what: Literal["started", "finished", "failed", "reused", "cached", "not run"],
        planned: Planned,
        line: TrialLine | None = None,
    ) -> None:
        score = short_id([planned.id, "accuracy", self._subject.primary, "test"])
        evidence = self._shop.ledger.find(EvidenceLine, score)
        self._shop.watch(
            TrialEvent(
                what=what,
                trial=planned.id,
                arm=planned.arm,
                label=planned.label,
                seed=planned.spec.seed,
                done=len(self._ended),
                running=len(self._running),
                total=len(self._all),
                cpu_s=line.cpu_s if line is not None else 0.0,
                accuracy=evidence.value if evidence is not None else -1.0,
                experiments=planned.experiments,
            )
        )


def _urgency(planned: Sequence[Planned], costs: Costs) -> dict[str, tuple[int, float]]:
    """Whole seeds early; within one seed, what heads the longest chain of work first."""
    chain: dict[str, float] = {}
    for trial in reversed(planned):
        chain[trial.id] = costs.of(trial) + chain.get(trial.id, 0.0)
        for need in trial.spec.needs.values():
            chain[need] = max(chain.get(need, 0.0), chain[trial.id])
    return {trial.id: (trial.order, -chain[trial.id]) for trial in planned}
