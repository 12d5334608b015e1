"""The checklist of a conference reviewer, filled in from the store. It scores nothing.

Source: the NeurIPS 2025 paper checklist, those of its questions that a run's records can answer.
"""

from __future__ import annotations

from collections.abc import Callable

from papers.review.case import Case
from papers.review.passage import every_reference
from sandbox.records import (
    ComparisonLine,
    CostLine,
    DeviationLine,
    EvidenceLine,
    FailureLine,
    PlanLine,
    TrialLine,
    VerdictLine,
)

Answer = tuple[str, str]


def checklist(case: Case) -> tuple[tuple[str, str, str], ...]:
    """(question, yes | no | not applicable, the facts behind it) for every question."""
    return tuple((question, *answer(case)) for question, answer in QUESTIONS)


def _claims(case: Case) -> Answer:
    verdicts = case.ledger.lines(VerdictLine)
    if not verdicts:
        return "not applicable", "no hypothesis was tested"
    tested = {verdict.hypothesis for verdict in verdicts}
    untested = [line.title for line in case.hypotheses if line.id not in tested]
    facts = f"hypotheses with a verdict: {len(tested)} of {len(case.hypotheses)}"
    return ("no" if untested else "yes"), facts


def _limitations(case: Case) -> Answer:
    present = any("limitation" in title.lower() for title in case.titles.values())
    return ("yes" if present else "no"), "section on limitations"


def _repeatable(case: Case) -> Answer:
    command = str(case.facts.get("command", ""))
    plans = len(case.ledger.lines(PlanLine))
    return (
        "yes" if command and plans else "no"
    ), f"frozen plans: {plans}; command: {command or '?'}"


def _settings(case: Case) -> Answer:
    shown = {q.source for _, q in every_reference(case.manuscript)}
    answer = "yes" if {"plan", "fact"} <= shown else "no"
    return answer, "configuration quoted from the plans and from run.json"


def _statistics(case: Case) -> Answer:
    lines = case.ledger.lines(ComparisonLine)
    if not lines:
        return "not applicable", "no comparison was made"
    pairs = sorted({line.pairs for line in lines})
    ruled = {verdict.comparison for verdict in case.ledger.lines(VerdictLine)}
    corrected = all(line.id in ruled for line in lines)
    kind = "exact" if all(line.exact for line in lines) else "sign-flip"
    over = f"{pairs[0]}" if len(pairs) == 1 else f"{pairs[0]} to {pairs[-1]}"
    facts = f"{kind} paired tests: {len(lines)}, pairs in each: {over}, all with intervals"
    return ("yes" if corrected else "no"), facts


def _compute(case: Case) -> Answer:
    spent = sum(line.cpu_s for line in case.ledger.lines(CostLine))
    machine = case.facts.get("machine")
    return (
        "yes" if machine and spent else "no"
    ), f"machine named; {spent:.0f} CPU seconds accounted"


def _held_out(case: Case) -> Answer:
    tests = [line for line in case.ledger.lines(EvidenceLine) if line.split == "test"]
    return ("yes" if tests else "no"), f"values on held-out items: {len(tests)}"


def _failures(case: Case) -> Answer:
    trials = case.ledger.lines(TrialLine)
    failed = [trial.id for trial in trials if trial.status != "ok"]
    told = {failure.trial for failure in case.ledger.lines(FailureLine)}
    deviations = len(case.ledger.lines(DeviationLine))
    facts = f"failed trials: {len(failed)} of {len(trials)}; deviations recorded: {deviations}"
    return ("yes" if told.issuperset(failed) else "no"), facts


def _safety(case: Case) -> Answer:
    sandbox = case.facts.get("sandbox")
    confined = isinstance(sandbox, dict) and sandbox.get("confined") is True
    level = sandbox.get("level", "?") if isinstance(sandbox, dict) else "?"
    return ("yes" if confined else "no"), f"sandbox level: {level}"


QUESTIONS: tuple[tuple[str, Callable[[Case], Answer]], ...] = (
    ("Does every hypothesis that was stated have a verdict?", _claims),
    ("Are the limitations discussed?", _limitations),
    ("Can the results be reproduced from what is disclosed?", _repeatable),
    ("Are the settings of the experiments given?", _settings),
    ("Are results tested, corrected, and given with intervals?", _statistics),
    ("Are the machine and the compute stated?", _compute),
    ("Are results measured on held-out items?", _held_out),
    ("Are failures and deviations recorded?", _failures),
    ("Did untrusted code run confined?", _safety),
)
