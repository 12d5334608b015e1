"""Whatever goes wrong, the morning brings a written report that says so."""

from __future__ import annotations

import json
import shutil
import threading
from dataclasses import replace

import pytest
import yaml

from agent.run import begin, resume
from agent.settings import read_settings
from agent.topic import topic_from
from papers.verify import verify
from sandbox.ledger import Ledger
from sandbox.records import (
    CallLine,
    ClaimLine,
    ComparisonLine,
    DecisionLine,
    DeviationLine,
    PaperLine,
    TrialLine,
    VerdictLine,
)
from tools import roster
from tools.freeze import frozen_plans

pytestmark = pytest.mark.slow

HYPOTHESIS = {
    "family": "layer_swap",
    "title": "The last layer carries the output language",
    "statement": "A swap of the last layer should be more accurate than the uniform average.",
    "rationale": "The words of the answer are chosen at the end of the network.",
    "prediction": "layer swap - uniform average >= 0.05 accuracy",
    "refuted_by": "the mean difference is below 0.05",
}
UNIFORM = {"method": "linear", "roles": ["skill", "language"], "base": ""}
SWAP = {
    "roles": ["skill", "language"],
    "base": "base",
    "swap": {"role": "language", "layers": 1, "head": True},
}
TEX = ("latexmk", "pdflatex", "bibtex", "kpsewhich")
BEYOND = {"roles": ["skill", "language"], "groups": {"layers.9.mlp": {"skill": 1.0}}}


def arms(**arguments):
    return [
        {"name": name, "label": name, "tool": "merge", "arguments": given, "role": "control"}
        for name, given in arguments.items()
    ]


def plan(treatment, control, alpha=0.45):
    def side(arm):
        return {"label": arm, "arms": [arm], "tasks": ["largest.ko"]}

    test = {
        "treatment": side("treatment"),
        "control": side("control"),
        "predicted_effect": 0.05,
        "alpha": alpha,
        "family_size": 1,
    }
    return {"arms": arms(treatment=treatment, control=control), "seeds": [20, 21], "test": test}


@pytest.fixture
def run(tmp_path):
    def go(script=None, wall="3m", stop=None, **fields):
        body = {"question": "Does the last layer carry the language?", "profile": "quick"}
        body |= {"hypotheses": 1, "alpha": 0.45, "seeds": 2, "budget": {"wall": wall}, **fields}
        topic = topic_from(body, tmp_path, "topic")
        flags = {"runs": tmp_path / "runs", "cache": tmp_path / "cache", "workers": 2}
        if script is not None:
            path = tmp_path / "script.yaml"
            path.write_text(yaml.safe_dump({"otherwise": "playbook", **script}), encoding="utf-8")
            flags |= {"mind": "scripted", "script": str(path)}
        settings = read_settings(topic, flags, {}, tmp_path / "none")
        ending = begin(topic, settings, stop=stop)
        return ending, Ledger(ending.run / "ledger.jsonl"), settings

    return go


def test_a_budget_too_small_for_any_trial_ends_in_a_report_and_exit_code_3(run):
    ending, ledger, _ = run(wall="20s", profile="standard")
    assert (ending.status, ending.exit_code) == ("failed", 3)
    assert not ledger.lines(TrialLine)
    assert ending.paper is not None
    summary = (ending.run / "SUMMARY.md").read_text(encoding="utf-8")
    assert "NOTHING WAS MEASURED" in summary
    assert "budget" in summary


def test_a_mind_that_proposes_nothing_has_not_spent_the_budget(run):
    ending, ledger, _ = run({"propose": [{"hypotheses": [], "why": "nothing is worth asking"}]})
    assert (ending.status, ending.exit_code) == ("failed", 1)
    assert not ledger.lines(TrialLine)
    assert "nothing is worth asking" in (ending.run / "SUMMARY.md").read_text(encoding="utf-8")


def test_calls_that_no_plan_contains_are_refused_and_nothing_is_measured(run):
    unplanned = {"tool": "evaluate", "arguments": {"role": "base"}}
    script = {
        "propose": [{"hypotheses": [HYPOTHESIS], "why": "asked"}],
        "act": [{"calls": [unplanned]}],
        "interpret": [{"again": False, "why": "the script ends"}],
    }
    ending, ledger, _ = run(script)
    refused = [c for c in ledger.lines(CallLine) if c.status == "refused"]
    assert [c.tool for c in refused] == ["evaluate"]
    assert not ledger.lines(TrialLine)
    (plan,) = frozen_plans(ledger, ending.run)
    assert {line.what for line in ledger.lines(DeviationLine)} == {
        f"arm {arm.name} was not run" for arm in plan.arms
    }
    assert ending.status == "failed"
    assert [v.ruling for v in ledger.lines(VerdictLine)] == ["inconclusive"]
    assert [c.claim for c in ledger.lines(ClaimLine)] == ["descriptive"]
    assert ledger.lines(PaperLine)


def test_a_plan_that_is_refused_twice_is_dropped_and_the_reason_kept(run):
    script = {
        "propose": [{"hypotheses": [HYPOTHESIS], "why": "asked"}],
        "design": {HYPOTHESIS["title"]: plan(BEYOND, UNIFORM, alpha=0.01)},
    }
    ending, ledger, _ = run(script)
    dropped = [d for d in ledger.lines(DecisionLine) if d.what.startswith("dropped")]
    assert len(dropped) == 1
    assert "alpha" in dropped[0].why
    assert ending.status == "failed"
    assert "dropped" in (ending.run / "SUMMARY.md").read_text(encoding="utf-8")


def test_a_trial_that_fails_is_kept_counted_and_told(run):
    script = {
        "propose": [{"hypotheses": [HYPOTHESIS], "why": "asked"}],
        "design": {HYPOTHESIS["title"]: plan(BEYOND, UNIFORM)},
    }
    ending, ledger, _ = run(script)
    failed = [t for t in ledger.lines(TrialLine) if t.status == "failed"]
    assert len(failed) == 2
    assert not ledger.lines(ComparisonLine)
    assert [c.status for c in ledger.lines(CallLine) if c.tool == "merge"] == ["failed", "ok"]
    summary = (ending.run / "SUMMARY.md").read_text(encoding="utf-8")
    assert failed[0].id in summary
    assert ending.status == "failed"


def test_a_stopped_run_goes_on_where_it_was(run):
    stop = threading.Event()
    stop.set()
    ending, ledger, settings = run(wall="20s", profile="standard", stop=stop)
    assert (ending.status, ending.exit_code) == ("stopped", 130)
    assert not ledger.lines(PaperLine)
    again = resume(ending.run, settings)
    assert again.status == "failed"
    facts = json.loads((ending.run / "run.json").read_text(encoding="utf-8"))
    assert facts["id"] == ending.run.name


def test_without_tex_the_paper_is_a_page_and_the_summary_says_how_to_get_the_pdf(run, monkeypatch):
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name, *a, **k: None if name in TEX else which(name))
    script = {
        "propose": [{"hypotheses": [HYPOTHESIS], "why": "asked"}],
        "design": {HYPOTHESIS["title"]: plan(SWAP, UNIFORM)},
        "interpret": [{"again": False, "why": "the script ends"}],
    }
    ending, ledger, _ = run(script)
    assert ledger.lines(ComparisonLine)
    assert ending.paper is not None
    assert ending.paper.name == "paper.html"
    assert not (ending.run / "paper" / "paper.pdf").exists()
    summary = (ending.run / "SUMMARY.md").read_text(encoding="utf-8")
    assert "apt install texlive" in summary
    checked = verify(ending.run)
    assert (checked.ok, checked.pdf) == (True, "absent")


def test_a_workspace_that_fills_up_ends_in_a_report_that_names_the_disk(run, monkeypatch):
    limits_of = roster._policy

    def tight(tool, cpu_s):
        limits = limits_of(tool, cpu_s)
        return replace(limits, disk_bytes=8192) if tool.name == "merge" else limits

    monkeypatch.setattr(roster, "_policy", tight)
    script = {
        "propose": [{"hypotheses": [HYPOTHESIS], "why": "asked"}],
        "design": {HYPOTHESIS["title"]: plan(SWAP, UNIFORM)},
    }
    ending, ledger, _ = run(script)
    merges = [t for t in ledger.lines(TrialLine) if t.tool == "merge"]
    assert {t.status for t in merges} <= {"failed", "killed"}
    assert {t.limit for t in merges} == {"disk"}
    assert ending.status == "failed"
    assert ending.paper is not None
    assert "bytes of workspace" in (ending.run / "SUMMARY.md").read_text(encoding="utf-8")
