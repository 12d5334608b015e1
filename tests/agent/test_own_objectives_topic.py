"""A topic's own objectives: checked before any work, asked about beside its blocks."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agent.minds.playbook.family import Setting, find_family
from agent.own_code import FAMILIES as OF_KINDS
from agent.topic import read_topic, subject_of, topic_from
from sandbox.errors import BadInput
from tests.agent.family_checks import (
    check_meaning,
    check_names,
    check_prose,
    frozen,
    line_of,
)
from tests.tools.architectures import own_blocks, own_objectives
from tools.own_code import brought_code, named_code
from tools.tool import find_tool

EXAMPLE = own_objectives.ROOT / "examples" / "own_objective" / "topic.yaml"
HANJI = Path(sys.executable).parent / "hanji"
FAMILIES = OF_KINDS["objective"]
QUESTION = {"question": "Is it any good?", "domain": "architectures", "profile": "quick"}


def setting_of(folder, *names, **more):
    return Setting(
        subject_of(topic_from({**QUESTION, "objectives": names, **more}, folder, "t")), 40
    )


def test_the_example_asks_about_its_objective_first():
    topic = read_topic(EXAMPLE)
    assert topic.objectives == (str(own_objectives.HONEST),)
    assert topic.first == ("own_objective",)
    [own] = subject_of(topic).code
    assert (own.name, own.seam) == ("hard_answers", "objective")


def test_a_topic_brings_blocks_and_objectives_under_names_that_differ(tmp_path):
    shutil.copy(own_blocks.HONEST, tmp_path)
    own_objectives.written(tmp_path, "plain_loss")
    at = setting_of(tmp_path, "plain_loss.py", blocks=["fading_memory.py"])
    assert [own.seam for own in at.subject.code] == ["block", "objective"]
    body = {**QUESTION, "objectives": ["plain_loss.py"], "blocks": ["fading_memory.py"]}
    assert topic_from(body, tmp_path, "t").first == ("own_block", "own_objective")
    (tmp_path / "other").mkdir()
    own_objectives.written(tmp_path / "other", "fading_memory")
    with pytest.raises(BadInput, match="both declare 'fading_memory'"):
        setting_of(tmp_path, "other/fading_memory.py", blocks=["fading_memory.py"])


def test_objectives_are_for_architectures_and_not_more_than_there_are_families(tmp_path):
    merging = {"question": "Does merging work?", "objectives": ["a.py"], "domain": "merging"}
    with pytest.raises(BadInput, match="objectives are for domain: architectures"):
        topic_from(merging, tmp_path, "t")
    many = [f"{n}.py" for n in range(len(FAMILIES) + 1)]
    with pytest.raises(BadInput, match="objectives"):
        topic_from({**QUESTION, "objectives": many}, tmp_path, "t")
    with pytest.raises(BadInput, match=r"gone\.py does not exist"):
        setting_of(tmp_path, "gone.py")


def test_a_family_is_of_each_objective_and_changes_the_loss_alone(tmp_path):
    for name in ("plain_loss", "calm_answers"):
        own_objectives.written(tmp_path, name)
    at = setting_of(tmp_path, "plain_loss.py", "calm_answers.py")
    found = [find_family(name).think(at) for name in FAMILIES]
    assert found[2:] == [None, None]
    assert all(find_family(name).think(setting_of(tmp_path)) is None for name in FAMILIES)
    for own, idea in zip(brought_code(at.subject).values(), found, strict=False):
        check_prose(idea)
        assert (idea.null_effect, idea.predicted_effect) == (-0.05, -0.05)
        [arm], [control] = idea.treatment, idea.control
        assert find_tool(arm.tool).code(arm.arguments) == (named_code(own),)
        call, other = (find_tool(a.tool).normal(a.arguments) for a in (arm, control))
        assert other["objective"] == {"name": "next_token", "parameters": {}}
        same = call.keys() - {"objective", "own_objectives"}
        assert {k: call[k] for k in same} == {k: other[k] for k in same}
    check_names(arm for idea in found[:2] for arm in idea.arms)
    for name in FAMILIES:
        check_meaning(name, FAMILIES)
    frozen([line_of(found[0], "own_objective")], at.subject, tmp_path)


@pytest.mark.slow
def test_the_command_prints_the_laws_one_by_one(tmp_path):
    loss = f"{own_objectives.LOSS}return 0 * {own_objectives.PLAIN}"
    idle = own_objectives.written(tmp_path, "idle", loss)
    command = [HANJI, "objectives", "check", "--json", own_objectives.HONEST]
    said = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert said["lawful"]
    assert (said["objective"], set(said["laws"].values())) == ("hard_answers", {"holds"})
    done = subprocess.run(
        [HANJI, "objectives", "check", idle], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("loss       holds\ngradient   ")
    assert "idle breaks a law of objectives: gradient: " in done.stdout
    assert done.stdout.count("not reached") == 5
