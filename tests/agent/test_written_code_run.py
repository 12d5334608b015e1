"""A run whose mind writes a block and an objective: piloted, trained, told, verified."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest

from agent.budget import Spend
from agent.lab import Lab
from agent.minds import mind as minds
from agent.minds.mind import Proposal, Proposals, ProposeRequest
from agent.minds.playbook.architectures import arms
from agent.minds.playbook.family import Setting, find_family
from agent.minds.playbook.playbook import Playbook
from agent.run import begin
from agent.settings import read_settings
from agent.toolbox import LabToolbox
from agent.topic import topic_from
from papers.verify import verify
from sandbox.ledger import Ledger
from sandbox.records import CodeLine, EvidenceLine, TrialLine
from tests.agent.open_lab import ARCHITECTURES
from tests.tools.architectures import own_blocks as files
from tests.tools.architectures import own_objectives

HONEST = files.HONEST.read_text(encoding="utf-8")
OBJECTIVE = own_objectives.HONEST.read_text(encoding="utf-8")


class Writer(Playbook):
    """Writes what it proposes to test, and an objective; for the rest the built-in mind."""

    name = "writer"

    def check(self, caps: Spend) -> None: ...

    def attend(self, lab: Lab) -> None:
        self.lab = lab

    def propose(self, request: ProposeRequest) -> Proposals:
        if request.round > 1:
            return Proposals(why="that was all")
        box = LabToolbox(self.lab, "propose-1")
        for at, text in enumerate(("import os\n" + HONEST, HONEST), start=1):
            arguments = json.dumps({"name": "fading_memory", "source": text})
            box.call("write_block", arguments, f"propose-1/{at}")
        loss = {"name": "hard_answers", "source": OBJECTIVE}
        box.call("write_objective", json.dumps(loss), "propose-1/3")
        body = {"width": 8, "layers": [{"mixer": {"block": "fading_memory"}}]}
        call = {"architecture": body, "task": "mqar", "steps": 2, "rates": [0.01], "batch": 4}
        call |= {"objective": {"name": "hard_answers"}}
        box.call("pilot", json.dumps({"tool": "train_architecture", "arguments": call}), "1/3")
        idea = find_family("own_block").think(Setting(self.lab.subject, 40))
        names = ("title", "statement", "rationale", "prediction", "refuted_by", "cites")
        said = {name: getattr(idea, name) for name in names}
        return Proposals(hypotheses=(Proposal(family="own_block", **said),), why="it is new")


@pytest.mark.slow
def test_what_a_mind_writes_is_trained_told_and_verified(tmp_path, monkeypatch):
    known = minds._all() | {"writer": lambda settings: Writer()}
    monkeypatch.setattr(minds, "_all", lambda: known)
    monkeypatch.setitem(arms.SCALES, "quick", replace(arms.SCALES["quick"], steps=2))
    topic = topic_from(ARCHITECTURES | {"mind": "writer"}, tmp_path, "topic")
    flags = {"runs": tmp_path / "runs", "cache": tmp_path / "cache", "workers": 2}
    run = begin(topic, read_settings(topic, flags, {}, tmp_path / "none"))
    ledger = Ledger(run.run / "ledger.jsonl")
    page = (run.run / "SUMMARY.md").read_text(encoding="utf-8")
    [refused, kept, objective] = ledger.lines(CodeLine)
    assert (refused.lawful, kept.lawful, objective.lawful) == (False, True, True)
    [job] = (run.run / "pilots" / "trials").glob("*/job.json")
    files_of = json.loads(job.read_text(encoding="utf-8"))["files"]
    assert files_of == {
        "blocks/fading_memory.py": kept.file_digest,
        "objectives/hard_answers.py": objective.file_digest,
    }
    assert {line.arm for line in ledger.lines(TrialLine)} == {"own-fading-memory", "ssd"}
    assert {line.seed for line in ledger.lines(EvidenceLine)} == {20, 21, 22}
    assert "fading_memory, by writer, attempt 2, kept as blocks/fading_memory.py" in page
    assert "hard_answers, by writer, attempt 1, kept as objectives/hard_answers.py" in page
    assert "- 1 pilot on development items" in page
    paper = (run.run / "paper" / "paper.html").read_text(encoding="utf-8")
    assert "was written by the mind of this run" in paper
    assert kept.file_digest[:8] in paper
    assert "Pilots" in paper
    assert run.status == "published", page
    assert verify(run.run).ok, verify(run.run).places
    copy = tmp_path / run.run.name
    shutil.copytree(run.run, copy)
    (copy / refused.file).write_text("print()\n", encoding="utf-8")
    assert f"{refused.file} is not the file that the ledger sealed" in verify(copy).places
