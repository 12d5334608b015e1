"""A run with two blocks and an objective of one's own: the lawful are trained, all are told."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
import yaml

from agent.minds.playbook.architectures import arms
from agent.run import resume
from agent.settings import read_settings
from papers.verify import verify
from sandbox.errors import CannotResume
from sandbox.ledger import Ledger
from sandbox.records import (
    CallLine,
    CostLine,
    DeviationLine,
    FailureLine,
    HypothesisLine,
    TrialLine,
    VerdictLine,
)
from tests.agent.whole_run import asked_run
from tests.tools.architectures import own_blocks as files
from tests.tools.architectures import own_objectives

pytestmark = pytest.mark.slow
PEEKING = "return self.out(x.flip(1))"
ASKED = ("own_block", "own_block_second", "own_objective")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Hardly trained: what is looked at is which code was run, and what is said of it."""
    home = tmp_path_factory.mktemp("night")
    files.written(home, "peeking", PEEKING)
    shutil.copy(files.HONEST, home)
    shutil.copy(own_objectives.HONEST, home)
    body = {
        "question": "Does a memory that fades keep up with a state space layer?",
        "domain": "architectures",
        "profile": "quick",
        "sequence_tasks": ["mqar"],
        "hypotheses": 3,
        "alpha": 0.45,
        "seeds": 3,
        "budget": {"wall": "15m"},
        "blocks": ["fading_memory.py", "peeking.py"],
        "objectives": ["hard_answers.py"],
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(arms.SCALES, "quick", replace(arms.SCALES["quick"], steps=2))
        yield asked_run(home, body, ASKED)


def test_the_lawful_block_is_trained_and_the_other_never_is(run):
    ledger = Ledger(run.run / "ledger.jsonl")
    assert [line.family for line in ledger.lines(HypothesisLine)] == list(ASKED)
    trials = ledger.lines(TrialLine)
    taught = {"taught-hard-answers", "attention-conv"}
    assert {line.arm for line in trials} == {"own-fading-memory", "ssd"} | taught
    assert [line.reason for line in trials if line.status != "ok"] == []
    jobs = [json.loads(path.read_text()) for path in run.run.glob("trials/*/job.json")]
    ran = {(job["tool"], name) for job in jobs for name in job["files"]}
    assert ran == {
        ("check_block", "blocks/peeking.py"),
        ("check_block", "blocks/fading_memory.py"),
        ("check_objective", "objectives/hard_answers.py"),
        ("train_architecture", "objectives/hard_answers.py"),
        ("train_architecture", "blocks/fading_memory.py"),
    }


def test_the_laws_are_in_the_record(run):
    ledger = Ledger(run.run / "ledger.jsonl")
    calls = {line.arguments["block"]: line for line in ledger.lines(CallLine)
             if line.tool == "check_block"}  # fmt: skip
    assert (calls["fading_memory"].status, calls["peeking"].status) == ("ok", "failed")
    [failure] = [line for line in ledger.lines(FailureLine) if line.stage == "laws"]
    [deviation] = ledger.lines(DeviationLine)
    assert failure.what == deviation.why == calls["peeking"].summary
    assert "peeking breaks a law of blocks: causality" in failure.what
    families = {line.id: line.family for line in ledger.lines(HypothesisLine)}
    verdicts = {families[line.hypothesis]: line for line in ledger.lines(VerdictLine)}
    assert verdicts["own_block_second"].ruling == "inconclusive"
    assert verdicts["own_block_second"].comparison == ""
    assert verdicts["own_block"].comparison
    assert verdicts["own_objective"].comparison
    spent = [line for line in ledger.lines(CostLine) if line.what.startswith("laws of")]
    assert len(spent) == 3
    assert all(line.cpu_s > 0 for line in spent)


def test_the_page_and_the_paper_say_which_code_ran_and_which_did_not(run):
    page = (run.run / "SUMMARY.md").read_text(encoding="utf-8")
    assert "**inconclusive**: Peeking keeps up with SSD (not trained, for peeking breaks" in page
    paper = (run.run / "paper" / "paper.html").read_text(encoding="utf-8")
    facts = json.loads((run.run / "run.json").read_text(encoding="utf-8"))
    for own in (*facts["blocks"], *facts["objectives"]):
        assert own["digest_in_words"] in paper
        assert own["digest_in_words"].replace(" ", "") == own["digest"]
    assert "An objective of its own" in paper
    assert "peeking breaks a law of blocks: causality" in paper
    assert "overfull" not in page
    assert run.status == "published", page


def test_the_secret_is_kept_with_the_run_and_nowhere_that_a_trial_or_reader_sees(run):
    secret = yaml.safe_load((run.run / "topic.yaml").read_text(encoding="utf-8"))["secret"]
    assert len(secret) == 32
    told = [path for path in run.run.rglob("*") if path.is_file() and path.name != "topic.yaml"]
    assert [path for path in told if secret.encode() in path.read_bytes()] == []


def test_the_run_is_verified_with_its_code(run, tmp_path):
    assert verify(run.run).ok, verify(run.run).places
    copy = tmp_path / run.run.name
    shutil.copytree(run.run, copy)
    block = copy / "blocks" / "fading_memory.py"
    block.write_text(block.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert "blocks/fading_memory.py is not the file that the ledger sealed" in verify(copy).places


def test_a_run_whose_block_was_changed_is_not_resumed(run, tmp_path):
    copy = tmp_path / run.run.name
    shutil.copytree(run.run, copy)
    (copy / "SUMMARY.md").unlink()
    block = copy / "blocks" / "fading_memory.py"
    block.write_text(block.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    with pytest.raises(CannotResume, match="not the files that it began with"):
        resume(copy, read_settings(None, {"runs": tmp_path}, {}, tmp_path / "none"))
