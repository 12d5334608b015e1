"""Scripts of replies and faults, played over real HTTP."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import openai
import pytest

from agent.endpoint.scripted_server import ScriptedServer, read_script
from agent.endpoint.server import Served, serve
from sandbox.errors import BadInput

pytestmark = pytest.mark.slow  # they start processes, one after another

HANJI = Path(sys.executable).parent / "hanji"
SCRIPT = """
model: scripted
models: [scripted]
steps:
  - {fault: status, status: 503}
  - when: {says: block}
    json: {name: fading}
    repeat: forever
  - text: Hello.
"""


def client(server: Served, timeout_s: float = 5) -> openai.OpenAI:
    return openai.OpenAI(base_url=server.base_url, api_key="k", max_retries=0, timeout=timeout_s)


def say(asking: openai.OpenAI, words: str = "hi", **more: object) -> str:
    turn = {"role": "user", "content": words}
    answer = asking.chat.completions.create(model="asked", messages=[turn], **more)
    return answer.choices[0].message.content or ""


def spoil(step: Mapping[str, object], stream: bool, timeout_s: float = 5) -> tuple[str, str]:
    """What the openai package makes of a fault: the error's name, and the text until then."""
    said = ""
    server = ScriptedServer.of(step)
    with serve(server) as served, client(served, timeout_s) as asking:
        try:
            if not stream:
                return "", say(asking)
            turns = [{"role": "user", "content": "hi"}]
            for chunk in asking.chat.completions.create(model="m", messages=turns, stream=True):
                said += "".join(choice.delta.content or "" for choice in chunk.choices)
        except (openai.OpenAIError, ValueError, AttributeError) as error:
            return type(error).__name__, said
    return "", said


def test_steps_answer_in_order_and_each_as_often_as_it_says() -> None:
    server = ScriptedServer.of({"text": "one", "repeat": 2}, {"text": "two"})
    with serve(server) as served, client(served) as asking:
        assert [say(asking) for _ in range(3)] == ["one", "one", "two"]
        with pytest.raises(openai.BadRequestError, match="no step"):
            say(asking)
    assert len(server.requests) == 4
    assert len(server.unmatched) == 1


def test_a_step_may_wait_for_what_is_said_or_offered() -> None:
    call = {"tool_calls": [{"name": "merge", "arguments": {"t": 0.5}}]}
    server = ScriptedServer.of(
        {"when": {"matches": r"^\d+$"}, "text": "a number", "repeat": "forever"},
        {"when": {"says": "block"}, "json": {"name": "fading"}},
        {"when": {"tools": True}, **call},
        {"when": {"model": "asked", "stream": False, "schema": False}, "text": "the rest"},
    )
    tool = {"type": "function", "function": {"name": "merge"}}
    turn = {"role": "user", "content": "do"}
    with serve(server) as served, client(served) as asking:
        assert say(asking, "a block") == '{"name": "fading"}'
        assert say(asking, "12") == "a number"
        made = asking.chat.completions.create(model="m", messages=[turn], tools=[tool]).choices[0]
        assert made.finish_reason == "tool_calls"
        assert made.message.tool_calls[0].function.arguments == '{"t": 0.5}'
        assert say(asking, "12") == "a number"
        assert say(asking) == "the rest"


def test_a_reply_may_be_cut_wrongly_signed_uncounted_or_slow() -> None:
    server = ScriptedServer.of(
        {"text": "cut", "finish": "length"},
        {"text": "x", "model": "another"},
        {"text": "x", "usage": False},
        {"text": "x", "usage": {"prompt": 9, "completion": 2}, "after_s": 0.2},
        model="mine",
    )
    turns = [{"role": "user", "content": "12345"}]
    with serve(server) as served, client(served) as asking:
        answers = [asking.chat.completions.create(model="m", messages=turns) for _ in range(3)]
        began = time.monotonic()
        slow = asking.chat.completions.create(model="m", messages=turns)
    assert answers[0].choices[0].finish_reason == "length"
    assert answers[0].usage.prompt_tokens == 2
    assert [answer.model for answer in answers] == ["mine", "another", "mine"]
    assert answers[2].usage is None
    assert slow.usage.total_tokens == 11
    assert time.monotonic() - began >= 0.2


@pytest.mark.parametrize(
    ("step", "whole", "streamed"),
    [
        ({"fault": "status", "status": 401}, "AuthenticationError", "AuthenticationError"),
        ({"fault": "status", "status": 429}, "RateLimitError", "RateLimitError"),
        ({"fault": "timeout", "seconds": 30}, "APITimeoutError", "APITimeoutError"),
        ({"fault": "close"}, "APIConnectionError", "APIConnectionError"),
        ({"fault": "half_stream"}, "APIConnectionError", "APIConnectionError"),
        ({"fault": "html", "status": 502}, "InternalServerError", "InternalServerError"),
        ({"fault": "not_json"}, "JSONDecodeError", "JSONDecodeError"),
        ({"fault": "stream_error"}, "InternalServerError", "APIError"),
    ],
    ids=lambda value: str(value.get("fault")) if isinstance(value, dict) else "",
)
def test_a_fault_is_what_it_says(step: dict[str, object], whole: str, streamed: str) -> None:
    assert spoil(step, stream=False, timeout_s=0.3)[0] == whole
    assert spoil(step, stream=True, timeout_s=0.3)[0] == streamed


def test_a_rate_limit_may_say_when_to_come_again() -> None:
    steps = [{"fault": "status", "status": 429, "retry_after": 0.5}, {"text": "now"}]
    with serve(ScriptedServer.of(*steps)) as served, client(served) as asking:
        with pytest.raises(openai.RateLimitError) as caught:
            say(asking)
        assert caught.value.response.headers["retry-after"] == "0.5"
        assert say(asking) == "now"


def test_half_a_stream_may_be_cut_anywhere_and_even_end_cleanly() -> None:
    assert spoil({"fault": "half_stream", "after": 0}, stream=True) == ("APIConnectionError", "")
    error, said = spoil({"fault": "half_stream", "text": "a" * 999, "after": 1500}, stream=True)
    assert error == "APIConnectionError"
    assert 0 < len(said) < 999
    error, said = spoil({"fault": "half_stream", "text": "a" * 999, "clean": True}, stream=True)
    assert 0 < len(said) < 999


def test_a_reply_may_be_empty_huge_or_come_in_drops() -> None:
    assert spoil({"fault": "empty"}, stream=True) == ("", "")
    assert len(spoil({"fault": "huge", "megabytes": 2}, stream=True)[1]) == 2 << 20
    assert len(spoil({"fault": "huge", "megabytes": 2}, stream=False)[1]) == 2 << 20
    drops = {"fault": "drip", "text": "한지", "seconds": 0.001}
    assert spoil(drops, stream=True) == ("", "한지")
    assert spoil(drops, stream=False) == ("", "한지")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("steps: [{txt: hello}]", "txt"),
        ("steps: [{fault: flood}]", "flood"),
        ("steps: [{fault: status, status: 200}]", "status"),
        ("steps: [{text: a, repeat: 0}]", "repeat"),
        ("steps: [{text: a, when: {matches: '('}}]", "matches"),
        ("steps: hello", "steps"),
        ("a: [", "not YAML"),
        ("", "script"),
    ],
)
def test_a_mistake_in_a_script_is_named(tmp_path: Path, script: str, said: str) -> None:
    (tmp_path / "s.yaml").write_text(script)
    with pytest.raises(BadInput, match=said):
        read_script(tmp_path / "s.yaml")


def test_a_script_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"none\.yaml"):
        read_script(tmp_path / "none.yaml")


def test_the_command_serves_a_script_until_it_is_interrupted(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(SCRIPT)
    command = [str(HANJI), "mind", "serve", str(tmp_path / "s.yaml"), "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        base_url = json.loads(running.stdout.readline())["base_url"]
        with openai.OpenAI(base_url=base_url, api_key="k", max_retries=1, timeout=5) as asking:
            said = [say(asking, words) for words in ("a block", "a block", "hi")]
            assert [model.id for model in asking.models.list()] == ["scripted"]
        running.send_signal(signal.SIGINT)
        assert running.wait(10) == 0
    assert said == ['{"name": "fading"}', '{"name": "fading"}', "Hello."]


def test_a_reset_is_a_reset_and_not_a_quiet_end() -> None:
    with serve(ScriptedServer.of({"fault": "close"})) as served:
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=5)
        body = json.dumps({"messages": [{"role": "user", "content": "hi"}]})
        connection.request("POST", "/v1/chat/completions", body)
        with pytest.raises(ConnectionResetError):
            connection.getresponse()
        connection.close()
