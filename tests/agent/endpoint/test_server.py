"""The OpenAI-compatible server on loopback, spoken to over real HTTP."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response

from agent.endpoint.message import ToolCall, Usage
from agent.endpoint.protocol import ChatRequest, Reply
from agent.endpoint.server import LARGEST_BYTES, Served, serve
from sandbox.errors import BadInput

TEXT = "한지는 닥나무로 만든다. " * 20
CALL = ToolCall("call_1", "merge", json.dumps({"method": "slerp", "models": ["a" * 90]}))
ASKED = [{"role": "user", "content": "What is hanji?"}]


@dataclass
class Fixed:
    """Says one thing, and keeps what it was asked."""

    reply: Reply
    models: tuple[str, ...] = ()
    asked: list[ChatRequest] = field(default_factory=list)

    def answer(self, request: ChatRequest) -> Reply:
        self.asked.append(request)
        return self.reply


@pytest.fixture
def words() -> Fixed:
    return Fixed(Reply(TEXT, usage=Usage(7, 11)), models=("one", "two"))


@pytest.fixture
def server(words: Fixed) -> Iterator[Served]:
    with serve(words) as served:
        yield served


def client(server: Served) -> openai.OpenAI:
    return openai.OpenAI(base_url=server.base_url, api_key="sk-secret", max_retries=0, timeout=5)


def post(server: Served, body: bytes, path: str = "/v1/chat/completions", **headers: str) -> object:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    try:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_an_answer_is_a_chat_completion_to_the_letter(words: Fixed, server: Served) -> None:
    with client(server) as asking:
        raw = asking.chat.completions.with_raw_response.create(model="m", messages=ASKED)
    whole = ChatCompletion.model_validate_json(raw.content, strict=True)
    assert whole.choices[0].message.content == TEXT
    assert whole.choices[0].finish_reason == "stop"
    assert whole.model == "m"
    assert whole.usage is not None
    assert (whole.usage.prompt_tokens, whole.usage.total_tokens) == (7, 18)
    assert words.asked[0].said == "What is hanji?"


def test_a_stream_is_cut_into_chunks_and_ends_with_the_usage_that_was_asked_for(
    server: Served,
) -> None:
    with client(server) as asking:
        with_usage = asking.chat.completions.create(
            model="m", messages=ASKED, stream=True, stream_options={"include_usage": True}
        )
        chunks = [ChatCompletionChunk.model_validate(c.model_dump()) for c in with_usage]
        without = list(asking.chat.completions.create(model="m", messages=ASKED, stream=True))
    said = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert said == TEXT
    assert len(chunks) > 5
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 11
    assert all(chunk.usage is None for chunk in without)


@pytest.mark.parametrize("stream", [False, True])
def test_tool_calls_arrive_whole_in_either_way(stream: bool) -> None:
    with serve(Fixed(Reply("", (CALL,), "tool_calls"))) as served, client(served) as asking:
        if stream:
            with asking.chat.completions.stream(model="m", messages=ASKED) as events:
                choice = events.get_final_completion().choices[0]
        else:
            choice = asking.chat.completions.create(model="m", messages=ASKED).choices[0]
    (call,) = choice.message.tool_calls or []
    assert call.type == "function"
    assert (call.id, call.function.name, call.function.arguments) == (
        CALL.id,
        CALL.name,
        CALL.arguments,
    )
    assert choice.finish_reason == "tool_calls"


@pytest.mark.parametrize("stream", [False, True])
def test_the_responses_dialect_says_the_same(stream: bool) -> None:
    answerer = Fixed(Reply(TEXT, (CALL,), "tool_calls", Usage(7, 11)))
    tool = {"type": "function", "name": "merge", "parameters": {}, "strict": False}
    schema = {"type": "json_schema", "name": "x", "schema": {"type": "object"}, "strict": True}
    turns = [
        {"role": "user", "content": [{"type": "input_text", "text": "merge"}]},
        {"type": "function_call", "call_id": "c", "name": "merge", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "done"},
    ]
    asked = {"model": "m", "input": turns, "instructions": "Be brief.", "tools": [tool]}
    asked |= {"text": {"format": schema}, "max_output_tokens": 99}
    with serve(answerer) as served, client(served) as asking:
        if stream:
            with asking.responses.stream(**asked) as events:
                answer = events.get_final_response()
        else:
            raw = asking.responses.with_raw_response.create(**asked)
            answer = Response.model_validate_json(raw.content)
    assert answer.output_text == TEXT
    assert answer.output[1].to_dict()["arguments"] == CALL.arguments
    assert answer.usage is not None
    assert answer.usage.total_tokens == 18
    (seen,) = answerer.asked
    assert [turn.role for turn in seen.messages] == ["system", "user", "assistant", "tool"]
    assert seen.messages[3].text == "done"
    assert seen.tools is not None
    assert seen.tools[0]["function"]["name"] == "merge"
    assert seen.reply_schema == {"type": "object"}
    assert seen.max_completion_tokens == 99


def test_a_reply_that_was_cut_says_so_in_both_dialects() -> None:
    with serve(Fixed(Reply("half", finish="length"))) as served, client(served) as asking:
        chat = asking.chat.completions.create(model="m", messages=ASKED)
        answer = asking.responses.create(model="m", input="hi")
    assert chat.choices[0].finish_reason == "length"
    assert chat.usage is None
    assert answer.status == "incomplete"
    assert answer.incomplete_details is not None
    assert answer.incomplete_details.reason == "max_output_tokens"


def test_the_models_are_listed_or_not_found(server: Served) -> None:
    with client(server) as asking:
        assert [model.id for model in asking.models.list()] == ["one", "two"]
    with (
        serve(Fixed(Reply(""))) as bare,
        client(bare) as asking,
        pytest.raises(openai.NotFoundError),
    ):
        asking.models.list()


def test_what_a_request_has_too_much_is_left_aside(words: Fixed, server: Served) -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "x"}}]
    body = {"messages": [{"role": "user", "content": parts, "name": "n"}], "seed": 1, "n": 3}
    status, _ = post(server, json.dumps(body).encode())
    assert status == 200
    assert words.asked[0].said == "a"


def test_the_key_is_seen_and_is_never_written_out(words: Fixed, server: Served) -> None:
    with client(server) as asking:
        asking.chat.completions.create(model="m", messages=ASKED)
    (seen,) = words.asked
    assert seen.key.get_secret_value() == "sk-secret"
    assert "sk-secret" not in f"{seen!r} {seen.model_dump_json()}"


def test_the_digest_is_of_what_is_asked_and_not_of_how_it_travels() -> None:
    base = {"model": "m", "messages": ASKED}
    whole, streamed, other = (
        ChatRequest.model_validate(base | more)
        for more in ({}, {"stream": True, "stream_options": {"include_usage": True}}, {"model": ""})
    )
    assert whole.digest == streamed.digest
    assert whole.digest != other.digest


@pytest.mark.parametrize(
    ("body", "path", "headers", "status"),
    [
        (b"{}", "/v1/chat/completions", {}, 400),
        (b'{"messages": [', "/v1/chat/completions", {}, 400),
        (b"[" * 100_000, "/v1/chat/completions", {}, 400),
        (b'{"messages": [{"role": "user"}]}', "/v1/nothing", {}, 404),
        (b'{"messages": [{"role": "user"}]}', "/v1/chat/completions", {"Host": "evil.test"}, 404),
        (b"", "/v1/chat/completions", {"Content-Length": str(LARGEST_BYTES + 1)}, 413),
        (b"", "/v1/chat/completions", {"Content-Length": "many"}, 411),
    ],
    ids=["no messages", "cut", "deep", "no such page", "another host", "too large", "no length"],
)
def test_a_bad_request_gets_an_error_in_openais_shape(
    server: Served, body: bytes, path: str, headers: dict[str, str], status: int
) -> None:
    answered, said = post(server, body, path, **headers)
    assert answered == status
    assert set(said["error"]) == {"message", "type", "param", "code"}


def test_a_client_that_leaves_half_way_does_no_harm(server: Served) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as leaving:
        leaving.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 500\r\n\r\n{")
    with client(server) as asking:
        assert asking.chat.completions.create(model="m", messages=ASKED).choices


def test_no_thread_is_left_behind_even_by_clients_that_stay(words: Fixed) -> None:
    before = threading.active_count()
    with socket.socket() as idle, serve(words) as served:
        idle.connect(("127.0.0.1", served.port))
        idle.sendall(b"POST /v1/chat")
        with client(served) as asking:
            asking.chat.completions.create(model="m", messages=ASKED)
    assert threading.active_count() == before


def test_only_the_loopback_is_served(words: Fixed) -> None:
    for host in ("0.0.0.0", "192.168.0.1", "example.org", ""):
        with pytest.raises(BadInput, match="loopback"), serve(words, host=host):
            pass


def test_a_port_that_is_taken_is_said(words: Fixed, server: Served) -> None:
    with pytest.raises(BadInput, match=str(server.port)), serve(words, port=server.port):
        pass
