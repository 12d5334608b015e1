"""Two runs beside each other: the second cites what the first answered, and asks something else."""

from __future__ import annotations

import shutil

import pytest

from papers.verify import verify
from sandbox.ledger import Ledger
from sandbox.records import HypothesisLine, MemoryLine, PlanLine, VerdictLine
from tests.agent.whole_run import whole_run

pytestmark = pytest.mark.full


def test_a_second_run_cites_the_first_and_its_citations_are_verified(tmp_path):
    body = {
        "question": "Does the end of a network carry the language of its answer?",
        "profile": "quick",
        "first": ["layer_swap", "different_bases"],
        "hypotheses": 3,
        "alpha": 0.45,
        "seeds": 3,
        "evaluations": 15,
        "budget": {"wall": "20m"},
        "memory": True,
    }
    first = whole_run(tmp_path, body).run
    before = Ledger(first / "ledger.jsonl")
    assert before.lines(MemoryLine) == []
    ruled = {v.hypothesis for v in before.lines(VerdictLine) if v.ruling != "inconclusive"}
    answered = {h.family for h in before.lines(HypothesisLine) if h.id in ruled and not h.relation}
    assert answered

    second = whole_run(tmp_path, body).run
    after = Ledger(second / "ledger.jsonl")
    cited = after.lines(MemoryLine)
    assert {line.run for line in cited} == {first.name}
    assert answered <= {line.family for line in cited}
    asked = after.lines(HypothesisLine)
    assert not {line.family for line in asked if not line.relation} & answered
    assert {line.id for line in after.lines(PlanLine)}.isdisjoint(
        line.id for line in before.lines(PlanLine)
    )
    page = (second / "paper" / "paper.html").read_text(encoding="utf-8")
    assert "Answered before" in page
    assert first.name in page
    assert f"in {first.name}" in (second / "SUMMARY.md").read_text(encoding="utf-8")
    found = verify(second)
    assert found.ok, found.places
    assert found.unchecked == []
    shutil.rmtree(first)
    away = verify(second)
    assert away.ok, away.places
    assert len(away.unchecked) == len(cited)
