import pytest

from agent.doctor import examine_mind, healthy
from agent.endpoint.endpoint import Endpoint
from agent.endpoint.probe import UNUSUAL, WORD, probe
from agent.endpoint.scripted_server import Script, ScriptedServer
from agent.endpoint.server import serve
from tests.agent.endpoint.raw_server import raw_server, sends, whole

READY = {"text": "ready", "repeat": "forever"}
HONOURS = {"when": {"schema": True}, "json": {UNUSUAL: WORD}}
CALLS = {
    "when": {"tools": True},
    "tool_calls": [{"name": "read_thermometer", "arguments": {"room": "attic"}}],
}


def seen(*steps, models=("m",), environment=None, **settings):
    """Name -> state of everything that is seen at a server of these steps, and all of it."""
    script = Script.model_validate({"models": list(models), "steps": list(steps)})
    plain = {"model": "m", "timeout_s": 5, "retries": 0}
    with serve(ScriptedServer(script)) as served:
        endpoint = Endpoint(base_url=served.base_url, **{**plain, **settings})
        all_ = probe(endpoint, environment or {})
    return {one.name: one.state for one in all_}, {one.name: one for one in all_}


def test_a_server_that_honours_everything_is_seen_to():
    states, _ = seen(HONOURS, CALLS, READY)
    assert set(states.values()) == {"ok"}
    assert list(states) == [
        "settings",
        "models",
        "chat",
        "streaming",
        "usage",
        "JSON schema",
        "tools",
    ]


def test_a_server_that_ignores_schema_tools_and_usage_is_seen_to():
    states, found = seen({**READY, "usage": False}, models=())
    assert states["JSON schema"] == states["tools"] == states["usage"] == "ignored"
    assert states["models"] == "unchecked"
    assert "404" in found["models"].found
    assert (states["chat"], states["streaming"]) == ("ok", "ok")


def test_any_other_json_is_not_taken_for_the_schema():
    states, _ = seen({"when": {"schema": True}, "json": {"sky": "blue"}}, CALLS, READY)
    assert states["JSON schema"] == "ignored"


def test_a_server_that_refuses_schema_and_tools_is_seen_to():
    no = {"fault": "status", "status": 400, "message": "not supported"}
    states, found = seen({**no, "when": {"schema": True}}, {**no, "when": {"tools": True}}, READY)
    assert states["JSON schema"] == states["tools"] == "refused"
    assert "not supported" in found["JSON schema"].found


def test_a_model_that_is_not_listed_is_named():
    states, found = seen(READY, models=("other", "more"))
    assert states["models"] == "ignored"
    assert "m is not listed; listed: other, more" in found["models"].found


def test_nothing_is_called_well_where_nothing_answers():
    no = {"fault": "status", "status": 401, "message": "who are you", "repeat": "forever"}
    states, found = seen(no, environment={"OPENAI_API_KEY": "sk-wrong-123456789"})
    assert states["chat"] == "refused"
    assert found["chat"].required
    assert {states[name] for name in ("streaming", "usage", "JSON schema", "tools")} == {
        "unchecked"
    }
    assert "sk-wrong" not in str(found)


def test_a_server_that_streams_nothing_is_seen_to():
    with raw_server(sends(whole(content="ready"))) as (url, _):
        states = {p.name: p.state for p in probe(Endpoint(base_url=url, model="m"), {})}
    assert states["streaming"] == "ignored"


def test_a_setting_that_is_missing_is_the_only_thing_said():
    (only,) = probe(Endpoint(model="m"), {})
    assert (only.state, only.required) == ("refused", True)
    assert "--base-url" in only.fix


def test_the_doctor_says_it_in_its_own_words():
    with serve(ScriptedServer.of(READY)) as served:
        checks = examine_mind(Endpoint(base_url=served.base_url, model="m", timeout_s=5))
    states = {check.name: check.state for check in checks}
    assert states["model: chat"] == "ok"
    assert states["model: JSON schema"] == "poor"
    assert states["model: models"] == "unchecked"
    assert healthy(checks)
    assert not healthy(examine_mind(Endpoint()))


@pytest.mark.parametrize("kind", ["chat", "responses"])
def test_both_dialects_are_probed(kind):
    states, _ = seen(HONOURS, CALLS, READY, api=kind)
    assert set(states.values()) == {"ok"}
