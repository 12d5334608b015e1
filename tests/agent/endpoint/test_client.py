import gzip
import json
import threading
import time

import pytest

from agent.endpoint.client import Client
from agent.endpoint.endpoint import Endpoint
from agent.endpoint.message import Ask, Message, ToolCall, Usage
from agent.endpoint.scripted_server import ScriptedServer
from agent.endpoint.server import serve
from sandbox.errors import (
    BadInput,
    EndpointRefused,
    EndpointUnreachable,
    ReplyUnusable,
    RequestTooLong,
)
from tests.agent.endpoint.raw_server import delta, drips, raw_server, sends, streams, whole

pytestmark = pytest.mark.slow

KEY = "sk-test-0123456789abcdef"
SECRET = {"OPENAI_API_KEY": KEY}
TOOL = {
    "type": "function",
    "function": {"name": "merge", "parameters": {"type": "object", "properties": {}}},
}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}


def asking(text="Say it.", **more):
    return Ask(key="k", role="propose", messages=(Message("user", text),), **more)


def client(base_url, environment=SECRET, **settings):
    plain = {"retries": 0, "timeout_s": 5, "stream": False}
    return Client(Endpoint(base_url=base_url, model="m", **{**plain, **settings}), environment)


def scripted(*steps, ask=None, **settings):
    """What a client gets from a server of these steps, and the server."""
    server = ScriptedServer.of(*steps)
    with serve(server) as served:
        return client(served.base_url, **settings).ask(ask or asking()), server


BOTH = pytest.mark.parametrize("stream", [False, True])
APIS = pytest.mark.parametrize("api", ["chat", "responses"])


@BOTH
@APIS
def test_an_answer_comes_whole_or_as_a_stream_in_either_dialect(stream, api):
    answer, server = scripted({"text": "Hé, 한지."}, stream=stream, api=api)
    assert (answer.text, answer.calls, answer.finish) == ("Hé, 한지.", (), "stop")
    assert answer.usage.measured
    assert server.requests[0].said == "Say it."
    assert server.requests[0].key.get_secret_value() == KEY


@BOTH
@APIS
def test_tool_calls_are_put_together_in_their_order(stream, api):
    calls = [{"name": "merge", "arguments": {"t": 0.5}}, {"name": "train", "arguments": "{broken"}]
    answer, server = scripted(
        {"tool_calls": calls, "text": "I call."}, ask=asking(tools=(TOOL,)), stream=stream, api=api
    )
    assert answer.finish == "tool_calls"
    assert [call.name for call in answer.calls] == ["merge", "train"]
    assert json.loads(answer.calls[0].arguments) == {"t": 0.5}
    assert answer.calls[1].arguments == "{broken"
    assert server.requests[0].tools


@APIS
def test_the_turns_of_a_tool_talk_reach_the_server(api):
    talk = (
        Message("system", "Be brief."),
        Message("user", "Merge."),
        Message("assistant", calls=(ToolCall("c1", "merge", "{}"),)),
        Message("tool", "merged", answers="c1"),
    )
    _, server = scripted(
        {"text": "Good."}, ask=Ask("k", "code", talk, tools=(TOOL,)), api=api, stream=False
    )
    turns = server.requests[0].messages
    assert [turn.role for turn in turns] == ["system", "user", "assistant", "tool"]
    called = turns[2].tool_calls[0]
    assert (called.id, called.function.name, called.function.arguments) == ("c1", "merge", "{}")
    assert (turns[3].text, turns[3].tool_call_id) == ("merged", "c1")


@BOTH
def test_a_reply_that_was_cut_off_is_an_answer_that_says_so(stream):
    answer, _ = scripted({"text": "I beg", "finish": "length"}, stream=stream)
    assert (answer.text, answer.finish) == ("I beg", "length")


@BOTH
def test_a_server_that_counts_no_tokens_is_estimated(stream):
    answer, _ = scripted({"text": "word " * 30, "usage": False}, stream=stream)
    assert not answer.usage.measured
    assert answer.usage.completion == 50


def test_a_count_that_is_far_too_low_is_not_believed():
    step = {"text": "word " * 300, "usage": {"prompt": 0, "completion": 1}}
    answer, _ = scripted(step)
    assert answer.usage.completion == 500
    assert not answer.usage.measured


def test_a_role_has_its_own_model():
    server = ScriptedServer.of({"text": "a", "repeat": 2})
    with serve(server) as served:
        asked = client(served.base_url, models={"code": "coder"})
        asked.ask(asking())
        asked.ask(Ask("k2", "code", (Message("user", "x"),)))
    assert [request.model for request in server.requests] == ["m", "coder"]


# ---- what a server refuses is left out ----


def refusing(*fields):
    """A server's plays: 400 for each of these fields in turn, then an answer."""
    refusals = [
        sends(json.dumps({"error": {"message": f"{f} is not supported"}}).encode(), "400 Bad")
        for f in fields
    ]
    return [*refusals, sends(whole(content="yes"))]


@pytest.mark.parametrize(
    ("field", "gone", "there"),
    [
        ("max_tokens", "max_tokens", "max_completion_tokens"),
        ("temperature", "temperature", "max_tokens"),
        ("Invalid grammar", "response_format", "max_tokens"),
        ("something unnamed", "response_format", "max_tokens"),
    ],
)
def test_an_optional_field_that_is_refused_is_left_out_from_then_on(field, gone, there):
    with raw_server(*refusing(field)) as (url, requests):
        asked = client(url, temperature=0.5)
        assert asked.ask(asking(schema=SCHEMA)).text == "yes"
        asked.ask(asking(schema=SCHEMA))
    bodies = [json.loads(request.partition(b"\r\n\r\n")[2]) for request in requests]
    assert len(bodies) == 3
    assert gone in bodies[0]
    assert gone not in bodies[1]
    assert gone not in bodies[2]
    assert there in bodies[1]


def test_a_schema_that_a_person_insists_on_is_not_left_out():
    with (
        raw_server(*refusing("response_format")) as (url, _),
        pytest.raises(EndpointRefused, match="response_format is not supported"),
    ):
        client(url, structured="schema").ask(asking(schema=SCHEMA))


def test_a_schema_is_strict_where_it_names_and_requires_every_field():
    strict = {**SCHEMA, "additionalProperties": False}
    with raw_server(sends(whole(content="yes"))) as (url, requests):
        for schema in (SCHEMA, strict):
            client(url).ask(asking(schema=schema))
    bodies = [json.loads(request.partition(b"\r\n\r\n")[2]) for request in requests]
    assert [b["response_format"]["json_schema"]["strict"] for b in bodies] == [False, True]


# ---- refused for good ----


@BOTH
@pytest.mark.parametrize(
    ("fault", "said", "fix"),
    [
        ({"fault": "status", "status": 401, "message": "bad key"}, "401: bad key", "OPENAI_API"),
        ({"fault": "status", "status": 403}, "answered 403", "OPENAI_API_KEY"),
        ({"fault": "status", "status": 404, "message": "no such model"}, "404", "base_url"),
        ({"fault": "status", "status": 400, "message": "too long"}, "400: too long", "model"),
        ({"fault": "html"}, "not JSON", ""),
        ({"fault": "html", "status": 404}, "answered 404: an HTML page", "base_url"),
        ({"fault": "huge", "megabytes": 1}, "longer than 12288 characters", "another"),
        ({"text": "x" * 40_000}, "longer than 12288 characters", "another"),
        ({"text": "hm", "finish": "content_filter"}, "content filter withheld", "another"),
        ({"text": "   "}, "its answer is empty", "another"),
    ],
)
def test_what_will_never_be_answered_is_refused_at_once(fault, said, fix, stream):
    server = ScriptedServer.of({**fault, "repeat": "forever"})
    kind = ReplyUnusable if fix == "another" else EndpointRefused
    with serve(server) as served, pytest.raises(kind) as refused:
        client(served.base_url, stream=stream, retries=2).ask(asking(most_tokens=512))
    assert said in refused.value.what
    assert fix in refused.value.fix
    assert "127.0.0.1" in refused.value.what
    assert KEY not in str(refused.value)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "not JSON"),
        (b"", "not JSON"),
        (b'"hello"', "not JSON"),
        (b"[1]", "something other than a JSON object"),
        (b"[" * 100_000, "not JSON"),
        (b'{"choices": []}', "without an answer"),
        (b'{"choices": "x"}', "choices"),
        (b'{"choices": [{"message": {"content": 5}}]}', "content"),
        (whole(content=None), "empty"),
        (whole(refusal="I will not", content=None), "the model refuses: I will not"),
    ],
)
def test_a_body_that_is_no_reply_is_refused(body, said):
    kind = ReplyUnusable if said in ("empty", "the model refuses: I will not") else EndpointRefused
    with raw_server(sends(body)) as (url, _), pytest.raises(kind, match=said):
        client(url).ask(asking())


def test_a_redirect_is_not_followed_so_the_key_goes_nowhere_else():
    with raw_server(sends(b"{}")) as (elsewhere, stolen):
        moved = sends(b"", "307 Moved", "text/plain", f"location: {elsewhere}/chat/completions")
        with raw_server(moved) as (url, _), pytest.raises(EndpointRefused) as refused:
            client(url).ask(asking())
    assert "answered 307" in refused.value.what
    assert "final address" in refused.value.fix
    assert stolen == []


def test_a_compressed_body_is_refused_before_it_unfolds():
    bomb = gzip.compress(whole(content="x" * 5_000_000))
    packed = sends(bomb, "200 OK", "application/json", "content-encoding: gzip")
    with raw_server(packed) as (url, requests), pytest.raises(EndpointRefused, match="gzip"):
        client(url).ask(asking())
    assert b"accept-encoding: identity" in requests[0].lower()


def test_a_body_without_end_is_refused_though_it_says_nothing():
    with (
        raw_server(sends(b" " * (4 << 20))) as (url, _),
        pytest.raises(ReplyUnusable, match="sent more than 2048 KiB") as refused,
    ):
        client(url).ask(asking(most_tokens=512))
    assert "fewer tokens" in refused.value.fix


def test_an_echoed_key_is_cut_out_of_the_error():
    said = json.dumps({"error": {"message": f"bad key {KEY}\u001b[31m\nsecond line"}}).encode()
    with raw_server(sends(said, "401 No")) as (url, _), pytest.raises(EndpointRefused) as refused:
        client(url).ask(asking())
    assert "bad key [redacted] [31m second line" in refused.value.what


# ---- what passes is tried again ----


@BOTH
@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "status", "status": 429, "retry_after": 0.05},
        {"fault": "status", "status": 503, "retry_after": 0.05},
        {"fault": "close"},
        {"fault": "half_stream"},
        {"fault": "stream_error"},
    ],
)
def test_what_passes_is_tried_again_and_answered(fault, stream):
    answer, server = scripted(fault, {"text": "at last"}, stream=stream, retries=1)
    assert answer.text == "at last"
    assert len(server.requests) == 2


@BOTH
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"fault": "status", "status": 429, "retry_after": 0.02}, "answered 429"),
        ({"fault": "status", "status": 500, "retry_after": 0.02}, "answered 500"),
        ({"fault": "close"}, "cannot be reached or hung up"),
    ],
)
def test_a_storm_ends_after_the_retries_as_unreachable(fault, said, stream):
    server = ScriptedServer.of({**fault, "repeat": "forever"})
    with serve(server) as served, pytest.raises(EndpointUnreachable, match=said) as gone:
        client(served.base_url, stream=stream, retries=1).ask(asking())
    assert len(server.requests) == 2
    assert gone.value.spent is None


def test_silence_is_a_time_out():
    server = ScriptedServer.of({"fault": "timeout", "seconds": 30})
    began = time.monotonic()
    with serve(server) as served, pytest.raises(EndpointUnreachable, match=r"silent for 0\.3 s"):
        client(served.base_url, timeout_s=0.3).ask(asking())
    assert time.monotonic() - began < 3


def test_a_server_that_is_gone_is_unreachable():
    with raw_server(sends(b"")) as (url, _):
        pass
    with pytest.raises(EndpointUnreachable, match="cannot be reached"):
        client(url).ask(asking())


@pytest.mark.parametrize(
    "pieces",
    [
        [delta(content="half")],
        [delta(content="half"), '{"choices": [{"ind'],
        [{"error": {"message": "overloaded"}}],
        [],
    ],
)
def test_a_stream_without_its_end_is_broken_and_what_it_cost_is_told(pieces):
    with (
        raw_server(streams(*pieces)) as (url, requests),
        pytest.raises(EndpointUnreachable, match="broke off") as gone,
    ):
        client(url, stream=True, retries=1).ask(asking())
    assert len(requests) == 2
    prompt, completion = gone.value.spent
    assert prompt == 2 * 11
    assert completion == (4 if pieces and pieces[0] == delta(content="half") else 0)


def test_the_cost_of_broken_attempts_is_added_to_the_answer():
    good = streams(delta("stop", content="whole"))
    with raw_server(streams(delta(content="half")), good) as (url, _):
        answer = client(url, stream=True, retries=1).ask(asking())
    assert answer.text == "whole"
    assert answer.usage == Usage(22, 4, measured=False)


# ---- nothing holds an ask for good ----


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nx-long: " + b"a" * 500,
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + b": wait\n\n" * 100,
    ],
)
def test_a_server_that_drips_is_left_at_the_wall(head):
    with raw_server(drips(head, 0.03)) as (url, _):
        began = time.monotonic()
        with pytest.raises(EndpointUnreachable, match=r"not answer in full within 1\.5 s"):
            client(url, timeout_s=0.3, stream=True).ask(asking())
        assert time.monotonic() - began < 2.2


def test_a_long_retry_after_does_not_outlast_the_wall():
    server = ScriptedServer.of({"fault": "status", "status": 429, "retry_after": 100})
    with serve(server) as served:
        began = time.monotonic()
        with pytest.raises(EndpointUnreachable, match="not answer in full"):
            client(served.base_url, timeout_s=0.2, retries=3).ask(asking())
        assert time.monotonic() - began < 2


def test_a_person_who_stops_is_heard_while_the_server_thinks():
    class Stop(Exception):
        pass

    wish = threading.Event()

    def stopped():
        if wish.is_set():
            raise Stop

    server = ScriptedServer.of({"text": "late", "after_s": 20})
    with serve(server) as served:
        endpoint = Endpoint(base_url=served.base_url, model="m", timeout_s=30)
        threading.Timer(0.3, wish.set).start()
        began = time.monotonic()
        with pytest.raises(Stop):
            Client(endpoint, SECRET, stopped).ask(asking())
        assert time.monotonic() - began < 2


# ---- odd servers that mean well ----


def test_a_server_that_ignores_the_wish_for_a_stream_is_read_whole():
    with raw_server(sends(whole(content="all at once"))) as (url, _):
        asked = client(url, stream=True)
        assert asked.ask(asking()).text == "all at once"
    assert not asked.streamed


@pytest.mark.parametrize(
    ("message", "finish", "expected"),
    [
        ({"content": [{"type": "text", "text": "in "}, {"text": "parts"}]}, "stop", "in parts"),
        ({"content": "no reason"}, None, "no reason"),
        ({"content": "odd end"}, "eos_token", "odd end"),
        ({"content": "half \ud83d char"}, "stop", "half \ufffd char"),
    ],
)
def test_replies_of_odd_shape_are_read(message, finish, expected):
    with raw_server(sends(whole(finish, {"prompt_tokens": None}, **message))) as (url, _):
        answer = client(url).ask(asking())
    assert (answer.text, answer.finish) == (expected, "stop")


def test_calls_in_pieces_without_index_or_id_are_told_apart():
    def piece(**function):
        return delta(tool_calls=[{"function": function}])

    pieces = [
        piece(name="merge", arguments='{"t"'),
        piece(arguments=": 1}"),
        piece(name="train", arguments="{}"),
        delta("tool_calls"),
    ]
    with raw_server(streams(*pieces)) as (url, _):
        calls = client(url, stream=True).ask(asking()).calls
    assert calls == (ToolCall("call_0", "merge", '{"t": 1}'), ToolCall("call_1", "train", "{}"))


def test_arguments_that_come_as_an_object_are_text_again():
    call = {"id": "c", "function": {"name": "merge", "arguments": {"t": 1}}}
    with raw_server(sends(whole("stop", content=None, tool_calls=[call]))) as (url, _):
        answer = client(url).ask(asking())
    assert answer.finish == "tool_calls"
    assert answer.calls == (ToolCall("c", "merge", '{"t": 1}'),)


def test_too_many_calls_in_a_turn_are_refused():
    piece = delta(tool_calls=[{"index": n, "id": f"c{n}"} for n in range(40)])
    more = delta("tool_calls", tool_calls=[{"index": 99 + n, "id": f"d{n}"} for n in range(40)])
    with (
        raw_server(streams(piece, more)) as (url, _),
        pytest.raises(ReplyUnusable, match="more than 64 calls"),
    ):
        client(url, stream=True).ask(asking())


@BOTH
@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, "This model's maximum context length is 2048 tokens, however you requested 9000"),
        (400, "the request exceeds the available context size; max_tokens is too large"),
        (413, "request entity too large"),
    ],
)
def test_a_request_that_the_server_finds_too_long_is_told_from_one_that_it_never_answers(
    status, said, stream
):
    too_long = {"fault": "status", "status": status, "message": said}
    server = ScriptedServer.of({"when": {"says": "long"}, **too_long}, {"json": {"a": 1}})
    with serve(server) as served:
        voice = client(served.base_url, stream=stream)
        with pytest.raises(RequestTooLong) as refused:
            voice.ask(asking("long", schema=SCHEMA))
        assert refused.value.spent == (0, 0)
        voice.ask(asking("short", schema=SCHEMA))
    assert [bool(request.reply_schema) for request in server.requests] == [True, True]


@BOTH
def test_a_server_that_refuses_tools_is_asked_without_them_and_it_is_known(stream):
    no_tools = {"fault": "status", "status": 400, "message": "m does not support tools"}
    server = ScriptedServer.of({"when": {"tools": True}, **no_tools}, {"text": "In words."})
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    with serve(server) as served:
        voice = client(served.base_url, stream=stream)
        assert voice.ask(asking("look", tools=(tool,))).text == "In words."
    assert "does not support tools" in voice.left_out["tools"]
    assert [bool(request.tools) for request in server.requests] == [True, False]


# ---- before anything is sent ----


@pytest.mark.parametrize(
    ("settings", "environment", "said"),
    [
        ({"model": "m"}, SECRET, "no language model's server"),
        ({"base_url": "http://127.0.0.1:1/v1"}, SECRET, "no language model is named"),
        ({"base_url": "http://model.example/v1", "model": "m"}, {}, "OPENAI_API_KEY"),
        (
            {"base_url": "http://127.0.0.1:1/v1", "model": "m"},
            {"OPENAI_API_KEY": "sk-ä b"},
            "characters that no key has",
        ),
    ],
)
def test_a_missing_setting_is_named_before_anything_is_sent(settings, environment, said):
    with pytest.raises(BadInput, match=said) as bad:
        Client(Endpoint(**settings), environment)
    assert "sk-" not in str(bad.value)


def test_a_server_on_this_machine_needs_no_key_and_no_proxy(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    server = ScriptedServer.of({"text": "here"})
    with serve(server) as served:
        assert client(served.base_url, {}).ask(asking()).text == "here"


def test_what_does_not_fit_into_the_context_is_not_sent():
    with (
        raw_server(sends(b"")) as (url, requests),
        pytest.raises(RequestTooLong, match="do not fit into the context of 2048") as refused,
    ):
        client(url, context=2048).ask(asking("word " * 2000))
    assert requests == []
    assert refused.value.spent == (0, 0)


@pytest.mark.parametrize(
    "address",
    ["http://user:pw@host/v1", "https://host/v1?key=sk-1", "ftp://host", "host:80/v1"],
)
def test_an_address_with_a_secret_or_without_a_scheme_is_no_address(address):
    with pytest.raises(ValueError, match="base_url") as bad:
        Endpoint(base_url=address)
    assert "pw" not in str(bad.value)
    assert "sk-1" not in str(bad.value)


def test_a_key_in_the_place_of_its_variable_is_refused_and_not_shown():
    with pytest.raises(ValueError, match="name the environment variable") as bad:
        Endpoint(key=KEY)
    assert KEY not in str(bad.value)
