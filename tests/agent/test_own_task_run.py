"""A run on a task of one's own: drawn in sandboxes, given to trials, scored outside, told."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
import yaml

from agent.lab import Lab
from agent.minds.playbook.architectures import arms
from agent.toolbox import LabToolbox
from papers.verify import verify
from sandbox.ledger import Ledger
from sandbox.records import CodeLine, CostLine, EvidenceLine, TrialLine
from tests.agent.open_lab import ARCHITECTURES, in_a_run
from tests.agent.whole_run import asked_run
from tests.tools.test_own_tasks import HONEST

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Hardly trained: what is looked at is what was drawn, given to trials, and said of it."""
    home = tmp_path_factory.mktemp("night")
    shutil.copy(HONEST, home)
    body = {**ARCHITECTURES, "hypotheses": 1, "task_files": ["late_echo.py"]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(arms.SCALES, "quick", replace(arms.SCALES["quick"], steps=2))
        yield asked_run(home, body, ["hybrid"])


def test_trials_get_what_was_drawn_and_never_the_file(run):
    ledger = Ledger(run.run / "ledger.jsonl")
    trials = ledger.lines(TrialLine)
    assert trials
    assert [line.reason for line in trials if line.status != "ok"] == []
    jobs = [json.loads(path.read_text()) for path in run.run.glob("trials/*/job.json")]
    assert all(job["files"] == {} for job in jobs)
    assert all(list(job["arguments"]["own_tasks"]) == ["late_echo"] for job in jobs)
    views = [json.loads(path.read_text()) for path in run.run.glob("inputs/*/late_echo.json")]
    assert views
    for view in views:
        assert (len(view["train"]), len(view["dev"]), view["test"]) == (12_800, 320, [])
    tasks = {line.task for line in ledger.lines(EvidenceLine) if line.split == "test"}
    assert tasks == {"late_echo"}
    drawn = [line for line in ledger.lines(CostLine) if line.what == "draws of late_echo"]
    assert len(drawn) == 3 * len({line.seed for line in trials})
    assert all(line.cpu_s > 0 for line in drawn)


def test_no_job_knows_the_secret_and_none_but_draws_run_the_file(run):
    secret = yaml.safe_load((run.run / "topic.yaml").read_text(encoding="utf-8"))["secret"]
    told = [path for path in run.run.rglob("*") if path.is_file() and path.name != "topic.yaml"]
    assert [path for path in told if secret.encode() in path.read_bytes()] == []
    drew = [json.loads(path.read_text()) for path in run.run.glob("draws/trials/*/job.json")]
    assert {job["tool"] for job in drew} == {"draw_task"}
    assert {name for job in drew for name in job["files"]} == {"task_files/late_echo.py"}


def test_the_paper_says_whose_task_it_is(run):
    page = (run.run / "SUMMARY.md").read_text(encoding="utf-8")
    paper = (run.run / "paper" / "paper.html").read_text(encoding="utf-8")
    [own] = json.loads((run.run / "run.json").read_text(encoding="utf-8"))["task_files"]
    assert own["digest_in_words"] in paper
    assert "A task of its own" in paper
    assert "was brought with the question" in paper
    assert run.status == "published", page
    assert verify(run.run).ok, verify(run.run).places


def test_a_mind_writes_a_task_and_tries_it(tmp_path):
    source = HONEST.read_text(encoding="utf-8")

    def call(lab: Lab, tool: str, key: str, /, **arguments: object) -> str:
        return LabToolbox(lab, "propose").call(tool, json.dumps(arguments), key)

    def work(lab: Lab) -> None:
        wrong = source.replace("chance=0.125", "chance=0.5")
        told = call(lab, "write_task", "1", name="late_echo", source=wrong)
        assert "stated as 0.5" in told
        told = call(lab, "write_task", "2", name="late_echo", source=source)
        assert "late_echo obeys its laws and is kept" in told
        [refused, kept] = lab.ledger.lines(CodeLine)
        assert (refused.lawful, kept.lawful) == (False, True)
        assert kept.card["name"] == "late_echo"
        assert [card.name for card in lab.subject.cards] == ["mqar", "late_echo"]
        assert lab.facts["subject"]["tasks"][-1]["name"] == "late_echo"
        body = {"width": 8, "layers": [{"mixer": {"block": "linear_attention"}}]}
        arguments = {"architecture": body, "task": "late_echo", "steps": 2, "rates": [0.01]}
        told = call(lab, "pilot", "3", tool="train_architecture", arguments=arguments)
        assert '"late_echo": {"accuracy"' in told
        again = call(lab, "write_task", "4", name="late_echo", source=source + "\n")
        assert "is there and stays as it is" in again

    in_a_run(tmp_path, ARCHITECTURES, work)
