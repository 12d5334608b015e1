"""The server's side of Chat Completions: requests read leniently, answers written exactly."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SecretStr

from agent.endpoint.message import Finish, ToolCall, Usage

PIECE = 32
"""Characters of text in one event of a stream, unless that made more than MOST_PIECES."""
MOST_PIECES = 256
Facts = dict[str, JsonValue]


class Lenient(BaseModel):
    """A part of a request; what is not known here is left aside, as servers do."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Part(Lenient):
    """A part of a turn's content; only text is understood."""

    type: str = "text"
    text: str = ""


class Function(Lenient):
    """What a call names, and its arguments as JSON text."""

    name: str = ""
    arguments: str = ""


class PastCall(Lenient):
    """A call that an assistant's turn made."""

    id: str = ""
    function: Function = Function()


class Turn(Lenient):
    """One message of a request."""

    role: str
    content: str | tuple[Part, ...] | None = None
    tool_calls: tuple[PastCall, ...] | None = None
    tool_call_id: str | None = None

    @property
    def text(self) -> str:
        """Its words, whatever form they were sent in."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content or ())


class StreamOptions(Lenient):
    """What a stream should carry besides text."""

    include_usage: bool = False


class ChatRequest(Lenient):
    """What a client asks. key: the bearer token it sent; never dumped, never printed."""

    model: str = ""
    messages: tuple[Turn, ...] = Field(min_length=1)
    tools: tuple[Facts, ...] | None = None
    tool_choice: JsonValue = None
    response_format: Facts | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    key: SecretStr = Field(default=SecretStr(""), exclude=True)

    @property
    def said(self) -> str:
        """The last user turn, empty when there is none."""
        return next((turn.text for turn in reversed(self.messages) if turn.role == "user"), "")

    @property
    def reply_schema(self) -> Mapping[str, JsonValue] | None:
        """The JSON schema that the reply should have."""
        wrapped = (self.response_format or {}).get("json_schema")
        schema = wrapped.get("schema") if isinstance(wrapped, dict) else None
        return schema if isinstance(schema, dict) else None

    @property
    def wants_usage(self) -> bool:
        """A stream says its usage only when asked; a whole answer always does."""
        return not self.stream or bool(self.stream_options and self.stream_options.include_usage)

    @property
    def digest(self) -> str:
        """SHA-256 of what is asked, not of how the answer should travel."""
        asked = self.model_dump(
            mode="json", exclude={"stream", "stream_options"}, exclude_none=True
        )
        text = json.dumps(asked, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Reply:
    """What an answerer says.

    usage: None leaves it out. model: empty for the one asked for. after_s: a pause before it.
    """

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    finish: Finish = "stop"
    usage: Usage | None = None
    model: str = ""
    after_s: float = 0.0
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass(frozen=True)
class Dialect:
    """One way to ask and answer over HTTP.

    read: a body to a request; raises pydantic's ValidationError. whole: the answer in one piece.
    events: the answer as server-sent events.
    """

    read: Callable[[bytes], ChatRequest]
    whole: Callable[[Reply, ChatRequest], Facts]
    events: Callable[[Reply, ChatRequest], Iterator[bytes]]


def whole(reply: Reply, request: ChatRequest) -> Facts:
    """A `chat.completion`."""
    message: Facts = {"role": "assistant", "content": reply.text or None, "refusal": None}
    if reply.calls:
        message["tool_calls"] = [_call(call) for call in reply.calls]
    else:
        message["content"] = reply.text
    choice: Facts = {"index": 0, "message": message, "finish_reason": reply.finish}
    answer = _envelope(reply, request, "chat.completion")
    answer["choices"] = [choice | {"logprobs": None}]
    if reply.usage is not None:
        answer["usage"] = _usage(reply.usage)
    return answer


def events(reply: Reply, request: ChatRequest) -> Iterator[bytes]:
    """The `chat.completion.chunk` events, usage if asked for, and `[DONE]`."""
    envelope = _envelope(reply, request, "chat.completion.chunk")
    for delta in _deltas(reply):
        yield event(envelope | {"choices": [_choice(delta, None)]})
    yield event(envelope | {"choices": [_choice({}, reply.finish)]})
    if reply.usage is not None and request.wants_usage:
        yield event(envelope | {"choices": [], "usage": _usage(reply.usage)})
    yield b"data: [DONE]\n\n"


CHAT = Dialect(ChatRequest.model_validate_json, whole, events)


def pieces(text: str) -> list[str]:
    """The text as a stream cuts it."""
    size = max(PIECE, -(-len(text) // MOST_PIECES))
    return [text[at : at + size] for at in range(0, len(text), size)]


def event(data: Facts, name: str = "") -> bytes:
    """One server-sent event."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def error_body(status: int, message: str, code: str = "") -> Facts:
    """An error as OpenAI shapes it."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    return {"error": {"message": message, "type": kind, "param": None, "code": code or None}}


def estimated_usage(reply: Reply, request: ChatRequest) -> Usage:
    """One token for every four characters begun: a server without a tokenizer counts so."""
    asked = sum(len(turn.text) for turn in request.messages)
    asked += len(json.dumps(request.tools)) if request.tools else 0
    said = len(reply.text) + sum(len(call.name) + len(call.arguments) for call in reply.calls)
    return Usage(-(-asked // 4), -(-said // 4), measured=False)


def model_list(names: tuple[str, ...]) -> Facts:
    """The body of `GET /v1/models`."""
    shown: list[JsonValue] = [
        {"id": name, "object": "model", "created": 0, "owned_by": "hanji"} for name in names
    ]
    return {"object": "list", "data": shown}


def _envelope(reply: Reply, request: ChatRequest, kind: str) -> Facts:
    return {
        "id": f"chatcmpl-{reply.id}",
        "object": kind,
        "created": int(time.time()),
        "model": reply.model or request.model,
    }


def _deltas(reply: Reply) -> Iterator[Facts]:
    yield {"role": "assistant", "content": "" if not reply.calls else None}
    for piece in pieces(reply.text):
        yield {"content": piece}
    for index, call in enumerate(reply.calls):
        opened: Facts = {"name": call.name, "arguments": ""}
        head: Facts = {"index": index, "id": call.id, "type": "function", "function": opened}
        yield {"tool_calls": [head]}
        for piece in pieces(call.arguments):
            yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def _choice(delta: Facts, finish: Finish | None) -> Facts:
    return {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}


def _call(call: ToolCall) -> Facts:
    function: Facts = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _usage(usage: Usage) -> Facts:
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.tokens,
    }
