"""A run whose gate fails says so everywhere, and asks nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import gates
from papers.manuscript import Manuscript
from papers.verify import verify
from sandbox.ledger import Ledger
from sandbox.records import DecisionLine, FailureLine, HypothesisLine, PaperLine, TrialLine
from tests.agent.whole_run import whole_run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Models that are hardly trained at all recall nothing, in any order."""
    home = tmp_path_factory.mktemp("night")
    body = {
        "question": "Does a convolution help attention to recall?",
        "domain": "architectures",
        "profile": "quick",
        "sequence_tasks": ["mqar", "multi_hop_recall"],
        "hypotheses": 5,
        "alpha": 0.45,
        "first": ["short_convolution"],
        "budget": {"wall": "4m"},
        "seeds": 4,
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(arms.SCALES, "quick", replace(arms.SCALES["quick"], steps=3))
        yield whole_run(home, body)


def test_only_the_gate_is_asked(run):
    ledger = Ledger(run.run / "ledger.jsonl")
    asked = [line.family for line in ledger.lines(HypothesisLine)]
    assert sorted(asked) == sorted(gates("architectures"))
    trials = ledger.lines(TrialLine)
    assert len(trials) == 5 * 4
    assert {line.status for line in trials} == {"ok"}


def test_the_record_the_paper_and_the_page_say_that_the_gate_failed(run):
    ledger = Ledger(run.run / "ledger.jsonl")
    [failure] = [line for line in ledger.lines(FailureLine) if line.stage == "gate"]
    assert "SSD recalls more than linear attention" in failure.what
    decisions = [line for line in ledger.lines(DecisionLine) if "go on" in line.what]
    assert [line.chosen for line in decisions] == [("write",)]
    assert "the gate failed" in decisions[0].why
    page = (run.run / "SUMMARY.md").read_text(encoding="utf-8")
    assert "GATE FAILED" in page.split("## Verdicts")[0]
    body = (run.run / "paper" / "manuscript.json").read_text(encoding="utf-8")
    assert Manuscript.model_validate_json(body).banner.startswith("GATE FAILED")
    assert "GATE FAILED" in (run.run / "paper" / "paper.html").read_text(encoding="utf-8")


def test_the_paper_of_a_failed_gate_is_published_and_verified(run):
    assert run.status == "published"
    assert Ledger(run.run / "ledger.jsonl").lines(PaperLine)[-1].status == "published"
    assert verify(run.run).ok
