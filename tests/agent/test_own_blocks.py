"""A topic's own blocks: checked before any work, asked about, and told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from agent.minds.playbook.family import Setting, find_family
from agent.own_code import FAMILIES as OF_KINDS
from agent.run import begin
from agent.settings import read_settings
from agent.topic import read_topic, settled, subject_of, topic_from
from sandbox.errors import BadInput
from tests.agent.family_checks import check_prose
from tests.tools.architectures import own_blocks as files
from tools.tool import find_tool

EXAMPLE = files.ROOT / "examples" / "own_block" / "topic.yaml"
HANJI = Path(sys.executable).parent / "hanji"
FAMILIES = OF_KINDS["block"]
QUESTION = {"question": "Is it any good?", "domain": "architectures", "profile": "quick"}


def setting_of(folder, *names):
    return Setting(subject_of(topic_from({**QUESTION, "blocks": names}, folder, "t")), 40)


def test_the_example_asks_about_its_block_first():
    topic = read_topic(EXAMPLE)
    assert topic.blocks == (str(files.HONEST),)
    assert topic.first == ("own_block",)
    [block] = subject_of(topic).code
    assert block.name == "fading_memory"


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (("gone.py",), r"gone\.py does not exist"),
        (("text.py",), "text.py defines no @block"),
        (("a.py", "same.py"), r"same\.py and a\.py both declare 'a'"),
        (("state_of_two.py",), "'state_of_two' has a number in it"),
    ],
)
def test_a_wrong_file_is_answered_in_one_sentence_before_any_work(tmp_path, names, says):
    (tmp_path / "text.py").write_text("pass\n", encoding="utf-8")
    for name in ("a", "state_of_two"):
        files.written(tmp_path, name)
    (tmp_path / "same.py").write_bytes((tmp_path / "a.py").read_bytes())
    with pytest.raises(BadInput, match=says) as caught:
        setting_of(tmp_path, *names)
    assert "\n" not in str(caught.value)


def test_a_run_with_a_wrong_file_is_refused_before_it_has_a_folder(tmp_path):
    topic = topic_from({**QUESTION, "blocks": ["gone.py"]}, tmp_path, "t")
    settings = read_settings(topic, {"runs": tmp_path / "runs"}, {}, tmp_path / "none")
    with pytest.raises(BadInput, match="does not exist"):
        begin(topic, settings)
    assert not (tmp_path / "runs").exists()


def test_blocks_are_for_architectures_and_not_more_than_there_are_families(tmp_path):
    merging = {"question": "Does merging work?", "blocks": ["a.py"]}
    with pytest.raises(BadInput, match="blocks are for domain: architectures"):
        topic_from(merging, tmp_path, "t")
    many = [f"{n}.py" for n in range(len(FAMILIES) + 1)]
    for wrong in (many, 3, "a.py", [3]):
        with pytest.raises(BadInput, match="blocks"):
            topic_from({**QUESTION, "blocks": wrong}, tmp_path, "t")


def test_every_run_about_architectures_has_a_secret_of_its_own():
    topic = topic_from(QUESTION, Path(), "t")
    one, other = settled(topic), settled(topic)
    assert len({topic.secret, one.secret, other.secret}) == 3
    assert settled(one) == one
    seen = [subject_of(each).items(20)["mqar"] for each in (topic, one, one, other)]
    assert seen[1] == seen[2]
    assert len({item.prompt for each in seen for item in each["test"]}) == 3 * len(seen[0]["test"])
    assert {each["dev"] for each in seen} == {seen[0]["dev"]}
    assert settled(read_topic("Does merging two experts compose?")).secret == ""


def test_a_family_is_of_each_block_and_of_no_other(tmp_path):
    files.written(tmp_path, "plain_mixer")
    head = (tmp_path / "plain_mixer.py").read_text(encoding="utf-8")
    channel = head.replace('block("plain_mixer"', 'block("wide_gate", mixes="channel"')
    (tmp_path / "wide_gate.py").write_text(channel, encoding="utf-8")
    growing = head.replace('block("plain_mixer"', 'block("cache", constant_state=False')
    (tmp_path / "cache.py").write_text(growing, encoding="utf-8")
    at = setting_of(tmp_path, "plain_mixer.py", "wide_gate.py", "cache.py")
    found = [find_family(name).think(at) for name in FAMILIES]
    assert [idea.control[0].name for idea in found[:3]] == [
        "ssd",
        "attention-glu",
        "attention-conv",
    ]
    assert found[3] is None
    assert all(find_family(name).think(setting_of(tmp_path)) is None for name in FAMILIES)
    for block, idea in zip(at.subject.code, found, strict=False):
        [arm], [control] = idea.treatment, idea.control
        assert find_tool(arm.tool).code(arm.arguments) == (("block", block.name, block.digest),)
        call, other = (find_tool(a.tool).normal(a.arguments) for a in (arm, control))
        alike = ("task", "size", "changes", "rates", "steps", "batch", "weight_decay", "optimizer")
        assert all(call[name] == other[name] for name in alike)
        assert call["match"]["like"] == other["architecture"]
        used = {layer["mixer"]["block"] for layer in call["architecture"]["layers"]}
        used |= {(layer["channel"] or {}).get("block") for layer in call["architecture"]["layers"]}
        assert block.name in used


def test_the_prose_of_the_family_holds_no_numbers_and_cites_known_works():
    idea = find_family("own_block").think(Setting(subject_of(read_topic(EXAMPLE)), 40))
    check_prose(idea)
    assert (idea.null_effect, idea.predicted_effect) == (-0.05, -0.05)


@pytest.mark.slow
def test_the_command_prints_the_laws_one_by_one(tmp_path):
    bad = files.written(tmp_path, "peeking", "return self.out(x.flip(1))")
    for file, code, says in ((files.HONEST, 0, "obeys"), (bad, 1, "breaks a law of blocks")):
        done = subprocess.run(
            [HANJI, "blocks", "check", file], capture_output=True, text=True, check=False
        )
        lines = done.stdout.splitlines()
        assert done.returncode == code, done.stderr
        assert [line.split()[0] for line in lines[:6]] == [
            "shape", "values", "gradient", "causality", "reference", "decoding",
        ]  # fmt: skip
        assert says in lines[6]


@pytest.mark.slow
def test_the_command_speaks_json_and_refuses_what_is_no_block(tmp_path):
    command = [HANJI, "blocks", "check", "--json", files.HONEST]
    said = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert said["lawful"]
    assert set(said["laws"].values()) == {"holds"}
    assert said["isolation"] == "bubblewrap"
    (tmp_path / "x.py").write_text("import socket\n", encoding="utf-8")
    wrong = subprocess.run(
        [HANJI, "blocks", "check", tmp_path / "x.py"], capture_output=True, text=True, check=False
    )
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("hanji: x.py imports socket")
