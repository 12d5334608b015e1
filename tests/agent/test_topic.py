from pathlib import Path

import pytest

from agent.run import begin
from agent.settings import read_settings
from agent.topic import demo_topic, read_topic, subject_of, topic_from
from sandbox.errors import BadInput

QUESTION = "Does merging compose skills?"


def test_one_sentence_is_a_topic():
    topic = read_topic("Does merging two experts compose their skills?")
    assert topic.question.endswith("skills?")
    assert topic.budget.wall == 900
    assert topic.hypotheses == 8


def test_a_language_that_the_mind_does_not_write_is_refused_before_any_work(tmp_path):
    topic = topic_from({"question": QUESTION, "language": "ko"}, tmp_path, "t")
    with pytest.raises(BadInput, match="writes English alone"):
        begin(topic, read_settings(topic, {"runs": tmp_path / "runs"}, {}, tmp_path / "none"))
    assert not (tmp_path / "runs").exists()


def test_a_domain_that_nobody_named_is_said_before_any_work_with_how_to_set_it(tmp_path):
    body = {"question": "Does attention recall more than a state space?", "language": "ko"}
    settings = {"runs": tmp_path / "runs"}
    for more, says in (({}, ["architectures, by the words"]), ({"domain": "architectures"}, [])):
        topic, told = topic_from({**body, **more}, tmp_path, "t"), []
        with pytest.raises(BadInput, match="writes English alone"):
            begin(topic, read_settings(topic, settings, {}, tmp_path / "none"), told.append)
        assert len(told) == len(says)
        assert all(words in event.text for event, words in zip(told, says, strict=True))
        assert all("`domain: merging` in a topic file" in event.text for event in told)


@pytest.mark.parametrize(
    ("first", "domain", "guessed"),
    [
        (["window"], "architectures", False),
        (["composition"], "merging", False),
        (["positions", "window"], "architectures", False),
        ([], "merging", True),
    ],
)
def test_the_families_asked_first_tell_the_domain(first, domain, guessed):
    topic = topic_from({"question": QUESTION, "first": first}, Path(), "t")
    assert (topic.domain, bool(topic.guessed)) == (domain, guessed)
    assert topic.first == tuple(first)
    assert topic.profile == {"architectures": "quick", "merging": "standard"}[domain]


def test_durations_and_sizes_of_a_topic_are_parsed():
    body = {"question": QUESTION, "budget": {"wall": "6m", "disk": "2GiB", "cpu": "1h"}}
    budget = topic_from(body, Path(), "t").budget
    assert (budget.wall, budget.disk, budget.cpu) == (360, 2 << 30, 3600)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"question": QUESTION, "bugdet": {}}, "unknown field 'bugdet'.*did you mean 'budget'"),
        ({"question": QUESTION, "budget": {"wal": "5m"}}, "budget.wal.*did you mean 'wall'"),
        ({"question": QUESTION, "budget": {"wall": "soon"}}, "budget.wall.*duration"),
        ({"question": QUESTION, "budget": {"wall": "0s"}}, "budget.wall"),
        ({"question": QUESTION, "models": [{"path": "a", "rol": "x"}]}, "models.0"),
        ({"question": QUESTION, "models": [{"path": "a", "role": "x"}]}, "no tasks"),
        ({"question": QUESTION, "tasks": [{"file": "a", "name": "x"}]}, "no models"),
        ({"question": QUESTION, "alpha": 2}, "alpha"),
        ({"question": QUESTION, "domain": "networks"}, "domain"),
        ({"question": QUESTION, "domain": "architectures", "base": "b"}, "base is for.*merging"),
        (
            {"question": QUESTION, "domain": "architectures", "sequence_tasks": ["parity"]},
            "lacks mqar",
        ),
        (
            {"question": QUESTION, "domain": "architectures", "sequence_tasks": ["text", "mqar"]},
            "begins with text.*bits",
        ),
        (
            {"question": QUESTION, "domain": "architectures", "sequence_tasks": ["mqar", "mqar"]},
            "names mqar twice",
        ),
        (
            {"question": QUESTION, "domain": "architectures", "first": ["composition"]},
            "is about merging",
        ),
        (
            {"question": QUESTION, "domain": "merging", "first": ["window"]},
            "is about architectures",
        ),
        ({"question": QUESTION, "first": ["window", "composition"]}, "'composition' is about merg"),
        ({"question": QUESTION, "sequence_tasks": ["mqar"]}, "are for domain: architectures"),
        ({"question": QUESTION, "mind": "oracle"}, "unknown mind 'oracle'.*playbook"),
        ({"question": QUESTION, "first": ["magic"]}, "unknown hypothesis family 'magic'.*compos"),
        ({"question": ""}, "question"),
        ({}, "question"),
        (["question"], "expected fields"),
    ],
)
def test_a_wrong_topic_is_answered_in_one_sentence(body, says):
    with pytest.raises(BadInput, match=says) as caught:
        topic_from(body, Path(), "topic.yaml")
    assert "\n" not in str(caught.value)
    assert caught.value.fix


def test_a_topic_file_that_is_not_there_or_not_yaml_is_refused(tmp_path):
    with pytest.raises(BadInput, match="does not exist"):
        read_topic(str(tmp_path / "no.yaml"))
    broken = tmp_path / "broken.yaml"
    broken.write_text("question: [", encoding="utf-8")
    with pytest.raises(BadInput, match="not YAML"):
        read_topic(str(broken))


def test_models_that_are_not_there_are_refused_before_any_work(tmp_path):
    (tmp_path / "t.jsonl").write_text("", encoding="utf-8")
    body = {
        "question": QUESTION,
        "base": "no-base",
        "models": [{"path": "nowhere-a", "role": "a"}, {"path": "nowhere-b", "role": "b"}],
        "tasks": [{"file": "t.jsonl", "name": "t"}],
    }
    with pytest.raises(BadInput):
        subject_of(topic_from(body, tmp_path, "topic.yaml"))


def test_paths_are_relative_to_the_topic_file(tmp_path):
    (tmp_path / "expert").mkdir()
    (tmp_path / "t.jsonl").write_text("", encoding="utf-8")
    body = {
        "question": QUESTION,
        "models": [{"path": "expert", "role": "a"}],
        "tasks": [{"file": "t.jsonl", "name": "t"}],
    }
    topic = topic_from(body, tmp_path, "topic.yaml")
    assert topic.models[0].path == str(tmp_path / "expert")
    assert topic.tasks[0].file == str(tmp_path / "t.jsonl")


def test_the_demo_asks_the_main_question_first():
    assert demo_topic().first == ("composition", "tuned_arithmetic", "layerwise_search")
    assert demo_topic().budget.wall == 360


def test_settings_come_from_the_strongest_source(tmp_path):
    topic = topic_from({"question": QUESTION, "seed": 3, "language": "ko"}, tmp_path, "t")
    file = tmp_path / "hanji.toml"
    file.write_text("seed = 1\nworkers = 3\nlanguage = 'en'\n", encoding="utf-8")
    settings = read_settings(topic, {"seed": 5, "mind": None}, {"HANJI_WORKERS": "2"}, file)
    assert (settings.seed, settings.workers, settings.language) == (5, 2, "ko")
    assert read_settings(topic, {}, {"HANJI_SEED": "4"}, file).seed == 4
    assert read_settings(topic, {}, {}, file).seed == 3


def test_a_wrong_setting_names_its_source(tmp_path):
    file = tmp_path / "hanji.toml"
    file.write_text("sed = 1\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"hanji.toml: unknown setting 'sed'"):
        read_settings(None, {}, {}, file)
    with pytest.raises(BadInput, match=r"the environment: budget.*duration"):
        read_settings(None, {}, {"HANJI_BUDGET": "later"}, tmp_path / "none.toml")


def test_a_flag_for_the_budget_overrides_only_the_wall_time(tmp_path):
    topic = topic_from({"question": QUESTION, "budget": {"trials": 7}}, tmp_path, "t")
    caps = read_settings(topic, {"budget": "6m"}, {}, tmp_path / "none").caps(topic)
    assert (caps.wall_s, caps.trials) == (360, 7)
