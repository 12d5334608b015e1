import json
from pathlib import Path

import pytest

from agent.cli import main
from agent.endpoint.endpoint import Endpoint
from agent.endpoint.probe import UNUSUAL, WORD
from agent.endpoint.scripted_server import ScriptedServer
from agent.endpoint.server import serve
from agent.replay import check_is_asked, from_recording
from agent.run import _as_begun
from agent.settings import Settings, read_settings
from agent.topic import Topic
from sandbox.errors import BadInput

TOML = """
[endpoint]
base_url = "http://127.0.0.1:8000/v1/"
model = "from-file"
models = { code = "coder" }
timeout_s = 7
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "hanji.toml"
    path.write_text(TOML)
    return path


def test_the_endpoint_is_a_table_and_stronger_sources_change_single_fields(file):
    environment = {"HANJI_MODEL": "from-environment", "OPENAI_BASE_URL": "http://weak/v1"}
    environment |= {"HANJI_BASE_URL": "http://strong/v1"}
    of_file = read_settings(None, {}, {}, file).endpoint
    assert (of_file.base_url, of_file.model) == ("http://127.0.0.1:8000/v1", "from-file")
    assert (of_file.model_for("code"), of_file.model_for("write")) == ("coder", "from-file")
    of_environment = read_settings(None, {}, environment, file).endpoint
    assert of_environment.base_url == "http://strong/v1"
    assert (of_environment.model, of_environment.timeout_s) == ("from-environment", 7)
    flags = {"model": "from-flags", "base_url": None}
    of_flags = read_settings(None, flags, environment, file).endpoint
    assert (of_flags.base_url, of_flags.model) == ("http://strong/v1", "from-flags")
    assert read_settings(None, {}, {}, file.parent / "none.toml").endpoint == Endpoint()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[endpoint]\nkey = "sk-0123456789abc"', "endpoint.key: name the environment variable"),
        ('[endpoint]\nbase_url = "http://u:sk-0123456789abc@h/v1"', "endpoint.base_url: no user"),
        ("[endpoint]\nretries = 99", "endpoint.retries"),
        ("[endpoint]\nprovider = 'x'", "endpoint.provider"),
        ("endpoint = 'x'", "endpoint"),
    ],
)
def test_a_wrong_endpoint_is_named_by_its_field_and_no_secret_is_echoed(tmp_path, text, said):
    file = tmp_path / "hanji.toml"
    file.write_text(text)
    with pytest.raises(BadInput, match=said) as bad:
        read_settings(None, {}, {}, file)
    assert "hanji.toml" in bad.value.what
    assert "sk-0123456789abc" not in str(bad.value) + str(bad.value.__cause__)


def test_what_goes_into_run_json_names_the_key_and_does_not_hold_it(file):
    environment = {"OPENAI_API_KEY": "sk-0123456789abc"}
    facts = read_settings(None, {}, environment, file).facts()
    assert facts["endpoint"]["key"] == "OPENAI_API_KEY"
    assert "sk-0123456789abc" not in json.dumps(facts)
    assert Settings.model_validate(facts).endpoint.model == "from-file"


def test_a_resumed_run_keeps_its_server_unless_it_has_moved():
    began = Settings(endpoint=Endpoint(base_url="http://a/v1", model="m", retries=1))
    assert _as_begun(Settings(), began, "run").endpoint == began.endpoint
    moved = Settings(endpoint=Endpoint(base_url="http://b/v1"))
    now = _as_begun(moved, began, "run").endpoint
    assert (now.base_url, now.model, now.retries) == ("http://b/v1", "m", 1)


def test_a_run_is_repeated_with_its_own_topic_and_settings(tmp_path):
    run = tmp_path / "2026-01-01-x-0001"
    run.mkdir()
    began = Settings(seed=7, mind="language-model", endpoint=Endpoint(model="m", context=9000))
    (run / "run.json").write_text(json.dumps({"settings": began.facts()}))
    (run / "topic.yaml").write_text("question: Why do merges compose?\n")
    topic, flags = from_recording(None, {"replay": str(run), "seed": None, "mind": None}, [])
    settings = read_settings(topic, flags, {}, tmp_path / "none.toml")
    assert topic.question == "Why do merges compose?"
    assert (settings.seed, settings.mind, settings.endpoint.context) == (7, "language-model", 9000)
    assert settings.replay == str(run.resolve())
    check_is_asked(settings, flags)
    asked_otherwise = from_recording(None, {"replay": str(run), "seed": 8}, [])[1]
    assert read_settings(topic, asked_otherwise, {}, tmp_path / "none.toml").seed == 8


def test_a_cassette_needs_its_topic_named(tmp_path):
    cassette = tmp_path / "good.jsonl"
    cassette.write_text("")
    with pytest.raises(BadInput, match=r"good\.jsonl does not say what its run was asked"):
        from_recording(None, {"replay": str(cassette)}, [])
    topic = Topic(question="Why do merges compose?")
    assert from_recording(topic, {"replay": str(cassette)}, [])[0] is topic
    with pytest.raises(BadInput, match="no topic is named"):
        from_recording(None, {}, [])


def test_doctor_mind_tries_the_server(monkeypatch, capsys, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    steps = [
        {"when": {"schema": True}, "json": {UNUSUAL: WORD}},
        {"text": "ready", "repeat": "forever"},
    ]
    with serve(ScriptedServer.of(*steps)) as served:
        call = ["hanji", "doctor", "--mind", "--base-url", served.base_url, "--model", "m"]
        monkeypatch.setattr("sys.argv", [*call, "--json"])
        with pytest.raises(SystemExit):
            main()
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert checks["model: chat"]["state"] == "ok"
    assert checks["model: JSON schema"]["state"] == "ok"
    assert checks["model: tools"]["state"] == "poor"
    assert checks["model: tools"]["fix"] == "use a model that calls tools"
