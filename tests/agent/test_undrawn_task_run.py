"""A run whose task cannot be drawn for one seed: not measured, said so, and the run goes on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agent.minds.playbook.architectures import arms
from papers.verify import verify
from sandbox.ledger import Ledger
from sandbox.records import (
    CallLine,
    ComparisonLine,
    DeviationLine,
    FailureLine,
    HypothesisLine,
    TrialLine,
    VerdictLine,
)
from tests.agent.open_lab import ARCHITECTURES
from tests.agent.whole_run import asked_run
from tests.tools.test_own_tasks import written
from tools.tasks.splitting import split_stream

pytestmark = pytest.mark.slow
ASKED = ("gate_hybrid", "hybrid")
LATER = 22
"""The last of the three seeds that the run uses."""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A file that draws what the laws ask, and fails on one training split."""
    home = tmp_path_factory.mktemp("night")
    number = split_stream(LATER, "fickle", "train", "")
    fatal = np.random.default_rng(number).integers(0, 1 << 60)
    whims = (
        f"if np.random.default_rng(draw.bit_generator.seed_seq).integers(0, 1 << 60) == {fatal}:\n"
        "        raise ValueError('this one I will not draw')"
    )
    written(home, "fickle", whims)
    body = {**ARCHITECTURES, "task_files": ["fickle.py"]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(arms.SCALES, "quick", replace(arms.SCALES["quick"], steps=2))
        yield asked_run(home, body, ASKED)


def test_nothing_is_measured_on_it_and_the_other_hypothesis_is_tested(run):
    ledger = Ledger(run.run / "ledger.jsonl")
    [laws] = [line for line in ledger.lines(CallLine) if line.tool == "check_task"]
    assert laws.status == "ok", laws.summary
    drew = {line.seed for line in ledger.lines(TrialLine)}
    assert max(drew) == LATER
    families = {line.id: line.family for line in ledger.lines(HypothesisLine)}
    assert sorted(families.values()) == sorted(ASKED)
    trials = ledger.lines(TrialLine)
    assert trials
    assert {line.arguments["task"] for line in trials} == {"mqar"}
    assert [line.reason for line in trials if line.status != "ok"] == []
    compared = {families[line.hypothesis] for line in ledger.lines(ComparisonLine)}
    assert compared == {"gate_hybrid"}
    [ruled] = [v for v in ledger.lines(VerdictLine) if families[v.hypothesis] == "hybrid"]
    assert (ruled.ruling, ruled.comparison) == ("inconclusive", "")


def test_one_sentence_says_which_seed_could_not_be_drawn(run):
    ledger = Ledger(run.run / "ledger.jsonl")
    [failure] = [line for line in ledger.lines(FailureLine) if line.stage == "draws"]
    [deviation] = ledger.lines(DeviationLine)
    assert deviation.why == failure.what
    assert failure.what.startswith("fickle drew no train sequences: ")
    assert "this one I will not draw" in failure.what
    assert failure.what.endswith(f"(seed {LATER})")
    assert "hanji tasks check FILE" in failure.fix


def test_page_and_paper_say_so_and_the_run_is_whole(run):
    page = (run.run / "SUMMARY.md").read_text(encoding="utf-8")
    paper = (run.run / "paper" / "paper.html").read_text(encoding="utf-8")
    assert run.status == "published", page
    assert "fickle drew no train sequences" in page
    assert "fickle drew no train sequences" in paper
    assert verify(run.run).ok, verify(run.run).places
