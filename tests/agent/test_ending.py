"""How a run ended, and which exit code says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.budget import NO_GATE, NO_QUESTION, OUT_OF_TIME
from agent.ending import Ending, ending
from sandbox.ledger import Ledger
from sandbox.records import DecisionLine, DeviationLine, FailureLine, Line, PaperLine


def ended(folder: Path, line: Line) -> Ending:
    """A run without a comparison, with a paper, whose ledger has this line beside it."""
    ledger = Ledger(folder / "ledger.jsonl")
    ledger.append(line)
    ledger.append(PaperLine(id="p", status="published", files={}))
    return ending(folder, ledger)


def failure(stage: str, what: str) -> FailureLine:
    return FailureLine(id="f", stage=stage, what=what, fix="")


def nothing_asked(why: str) -> DecisionLine:
    return DecisionLine(id="d", what="hypotheses of round 1", chosen=(), why=why)


@pytest.mark.parametrize(
    "line",
    [
        failure("experiment", OUT_OF_TIME),
        nothing_asked(NO_QUESTION),
        nothing_asked(NO_GATE),
        DeviationLine(
            id="e", experiment="x", what="budget spent: 18 of 30 trials not run", why="its cost"
        ),
    ],
)
def test_a_budget_that_ran_out_before_a_result_is_exit_code_3(tmp_path: Path, line: Line) -> None:
    found = ended(tmp_path, line)
    assert (found.status, found.exit_code) == ("failed", 3)


@pytest.mark.parametrize(
    "line",
    [
        failure("trial", "uniform, seed 3: it was killed at its limit of 20 s of wall time"),
        failure("laws", "own: it was killed at its limit of 180 s of wall time"),
        failure("mind", "the model is not asked again, for its share of the budget was spent"),
        failure("hypothesize", "attention on a budget is not worth asking about"),
        nothing_asked("attention on a budget is not worth asking about"),
        nothing_asked("no family has a further question about these models and tasks"),
        DeviationLine(id="e", experiment="x", what="arm budget was not run", why="not called"),
    ],
)
def test_whatever_else_speaks_of_budgets_and_times_is_exit_code_1(
    tmp_path: Path, line: Line
) -> None:
    found = ended(tmp_path, line)
    assert (found.status, found.exit_code) == ("failed", 1)
