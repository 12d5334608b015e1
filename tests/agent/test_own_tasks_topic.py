"""A topic's own tasks: primary, asked about by the families that are there, never run outside."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from agent.facts import subject_facts
from agent.lawful import named_by
from agent.minds.playbook.family import Setting, all_families, find_family
from agent.topic import read_topic, subject_of, topic_from
from agent.written_code import name_code
from papers.code_facts import with_written
from sandbox.errors import BadInput, PlanRefused
from sandbox.ledger import Ledger
from sandbox.records import CodeLine
from tests.agent.family_checks import check_names, check_prose, frozen, line_of
from tests.tools.test_own_tasks import HONEST, ROOT, written
from tools.freeze import check_plan
from tools.own_code import named_code, with_code
from tools.roster import roster
from tools.tasks.own_task import read_own_task
from tools.tool import find_tool

QUESTION = {"question": "Is it any good?", "domain": "architectures", "profile": "quick"}


@pytest.fixture(scope="module")
def at() -> Setting:
    return Setting(subject_of(read_topic(ROOT / "examples" / "own_task" / "topic.yaml")), 40)


def test_the_first_task_of_a_topic_is_primary_and_the_known_order_stays(at: Setting) -> None:
    assert at.subject.primary == "late_echo"
    names = [card.name for card in at.subject.cards]
    assert names[0] == "late_echo"
    assert "mqar" in names
    card = at.subject.cards[0]
    assert (card.kind, card.chance, card.classes) == ("positions", 0.125, 8)
    facts = subject_facts(at.subject)["tasks"][0]
    assert (facts["dev_items"], facts["test_items"]) == (320, 640)


def test_its_items_need_a_run(at: Setting) -> None:
    with pytest.raises(BadInput, match="drawn in a run alone"):
        at.subject.items(0)["late_echo"]
    assert at.subject.items(0)["mqar"]["dev"]


def test_every_arm_on_it_names_the_file_that_draws_it(at: Setting) -> None:
    [own] = at.subject.code
    ideas = [idea for f in all_families("architectures").values() if (idea := f.think(at))]
    used = 0
    for idea in ideas:
        check_prose(idea)
        for arm in idea.arms:
            on_it = arm.arguments.get("task") == "late_echo"
            drawn = find_tool(arm.tool).drawn(arm.arguments)
            assert drawn == ((named_code(own),) if on_it else ())
            assert named_by(arm.tool, arm.arguments) == drawn
            used += on_it
    assert used > 20
    check_names(arm for idea in ideas for arm in idea.arms)


def test_a_plan_on_it_is_frozen_and_its_trials_run_none_of_it(at: Setting, tmp_path: Path) -> None:
    idea = find_family("hybrid").think(at)
    _, [plan] = frozen([line_of(idea, "hybrid")], at.subject, tmp_path)
    trials = [trial for trial in roster([plan], at.subject) if "own_tasks" in trial.spec.arguments]
    assert trials
    for trial in trials:
        assert trial.code == {}
        assert trial.spec.data_digest != at.subject.data_digest(trial.spec.seed)
    arm = plan.arms[0].model_copy(update={"arguments": {**plan.arms[0].arguments, "own_tasks": {}}})
    bad = plan.model_copy(update={"arms": (arm, *plan.arms[1:])})
    with pytest.raises(PlanRefused, match="does not say which file draws 'late_echo'"):
        check_plan(bad, at.subject, Ledger(tmp_path / "other.jsonl"), tmp_path / "other")


def test_a_task_of_the_minds_comes_last_and_is_named_for_it(tmp_path: Path) -> None:
    subject = subject_of(topic_from({**QUESTION, "sequence_tasks": ["mqar"]}, tmp_path, "t"))
    own = read_own_task(HONEST)
    later = with_code(subject, [own])
    assert [card.name for card in later.cards] == ["mqar", "late_echo"]
    assert later.primary == "mqar"
    assert later.data_digest(3) == subject.data_digest(3)
    call = {"task": "late_echo", "architecture": {"width": 8, "layers": []}}
    assert name_code(later, "train_architecture", call)["own_tasks"] == {own.name: own.digest}
    assert "own_tasks" not in name_code(subject, "train_architecture", call)


def test_what_a_mind_wrote_is_among_the_tasks_of_the_paper(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    card = {"name": "late_echo", "label": "Late echo", "dev_items": 320}
    line = CodeLine(
        id="c",
        seam="task",
        name="late_echo",
        file="task_files/late_echo.py",
        file_digest="0" * 64,
        author="writer",
        lawful=True,
        summary="",
        card=card,
    )
    ledger.append(line)
    facts = with_written({"subject": {"tasks": [{"name": "mqar"}]}}, ledger)
    assert facts["subject"]["tasks"] == [{"name": "mqar"}, card]
    assert with_written(facts, ledger)["subject"] == facts["subject"]
    assert facts["task_files"][0]["author"] == "writer"


def test_task_files_are_for_architectures_and_names_are_their_own(tmp_path: Path) -> None:
    written(tmp_path, "plain_task")
    merging = {"question": "Does merging work?", "task_files": ["a.py"], "domain": "merging"}
    with pytest.raises(BadInput, match="task_files are for domain: architectures"):
        topic_from(merging, tmp_path, "t")
    shutil.copy(tmp_path / "plain_task.py", tmp_path / "again.py")
    twice = {**QUESTION, "task_files": ["plain_task.py", "again.py"]}
    with pytest.raises(BadInput, match="both declare 'plain_task'"):
        subject_of(topic_from(twice, tmp_path, "t"))
