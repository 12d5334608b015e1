"""The server's side of the Responses dialect: read as Chat Completions, answered as Responses."""

from __future__ import annotations

import time
from collections.abc import Iterator

from pydantic import Field, JsonValue

from agent.endpoint.message import ToolCall, Usage
from agent.endpoint.protocol import (
    ChatRequest,
    Dialect,
    Facts,
    Lenient,
    Part,
    Reply,
    event,
    pieces,
)


class Item(Lenient):
    """One item of a conversation: a message, a function call or its output."""

    type: str = "message"
    role: str = ""
    content: str | tuple[Part, ...] | None = None
    call_id: str = ""
    name: str = ""
    arguments: str = ""
    output: str | tuple[Part, ...] = ""

    def as_message(self) -> Facts:
        """The same as a message of Chat Completions."""
        if self.type == "function_call":
            call: Facts = {"name": self.name, "arguments": self.arguments}
            calls: list[JsonValue] = [{"id": self.call_id, "function": call}]
            return {"role": "assistant", "tool_calls": calls}
        if self.type == "function_call_output":
            output = _words(self.output)
            return {"role": "tool", "tool_call_id": self.call_id, "content": output}
        return {"role": self.role, "content": _words(self.content)}


class TextFormat(Lenient):
    """What the reply's text should be."""

    type: str = "text"
    name: str = ""
    # `schema` is a method of pydantic's models.
    form: Facts | None = Field(default=None, alias="schema")


class TextOptions(Lenient):
    """How the reply's text should be written."""

    format: TextFormat = TextFormat()


class ResponsesRequest(Lenient):
    """The body of POST /v1/responses."""

    model: str = ""
    input: str | tuple[Item, ...]
    instructions: str | None = None
    tools: tuple[Facts, ...] | None = None
    tool_choice: JsonValue = None
    text: TextOptions | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    stream: bool | None = None

    def as_chat(self) -> ChatRequest:
        """The same request in the dialect that answerers know."""
        said: list[JsonValue] = []
        if self.instructions:
            said.append({"role": "system", "content": self.instructions})
        if isinstance(self.input, str):
            said.append({"role": "user", "content": self.input})
        else:
            said += [item.as_message() for item in self.input]
        asked: Facts = {"model": self.model, "messages": said, "stream": self.stream}
        asked |= {"tool_choice": self.tool_choice, "temperature": self.temperature}
        asked |= {"max_completion_tokens": self.max_output_tokens}
        asked["tools"] = _tools(self.tools)
        if self.text and self.text.format.form is not None:
            schema: Facts = {"name": self.text.format.name, "schema": self.text.format.form}
            asked["response_format"] = {"type": "json_schema", "json_schema": schema}
        return ChatRequest.model_validate(asked)


def read(body: bytes) -> ChatRequest:
    """A body as a request. Raises pydantic's ValidationError."""
    return ResponsesRequest.model_validate_json(body).as_chat()


def whole(reply: Reply, request: ChatRequest) -> Facts:
    """A `response`."""
    output: list[JsonValue] = [*_items(reply)]
    answer = _envelope(reply, request, "incomplete" if reply.finish == "length" else "completed")
    answer["output"] = output
    if reply.finish == "length":
        answer["incomplete_details"] = {"reason": "max_output_tokens"}
    if reply.usage is not None:
        answer["usage"] = _usage(reply.usage)
    return answer


def events(reply: Reply, request: ChatRequest) -> Iterator[bytes]:
    """The events of a stream, numbered."""
    for number, (name, facts) in enumerate(_events(reply, request)):
        yield event({"type": name, **facts, "sequence_number": number}, name)


RESPONSES = Dialect(read, whole, events)


def _events(reply: Reply, request: ChatRequest) -> Iterator[tuple[str, Facts]]:
    yield "response.created", {"response": _envelope(reply, request, "in_progress")}
    for index, item in enumerate(_items(reply)):
        where: Facts = {"output_index": index}
        yield "response.output_item.added", where | {"item": _begun(item)}
        inside = _call_events(item) if item["type"] == "function_call" else _text_events(reply)
        for name, facts in inside:
            yield name, where | {"item_id": item["id"]} | facts
        yield "response.output_item.done", where | {"item": item}
    answer = whole(reply, request)
    yield f"response.{answer['status']}", {"response": answer}


def _text_events(reply: Reply) -> Iterator[tuple[str, Facts]]:
    where: Facts = {"content_index": 0}
    yield "response.content_part.added", where | {"part": _text("")}
    for piece in pieces(reply.text):
        yield "response.output_text.delta", where | {"delta": piece, "logprobs": []}
    yield "response.output_text.done", where | {"text": reply.text, "logprobs": []}
    yield "response.content_part.done", where | {"part": _text(reply.text)}


def _call_events(item: Facts) -> Iterator[tuple[str, Facts]]:
    arguments = str(item["arguments"])
    for piece in pieces(arguments):
        yield "response.function_call_arguments.delta", {"delta": piece}
    done: Facts = {"name": item["name"], "arguments": arguments}
    yield "response.function_call_arguments.done", done


def _items(reply: Reply) -> Iterator[Facts]:
    status = "incomplete" if reply.finish == "length" else "completed"
    if reply.text or not reply.calls:
        message: Facts = {"type": "message", "id": f"msg_{reply.id}", "role": "assistant"}
        yield message | {"status": status, "content": [_text(reply.text)]}
    for call in reply.calls:
        yield _call(call) | {"status": status}


def _begun(item: Facts) -> Facts:
    empty: Facts = {"content": []} if item["type"] == "message" else {"arguments": ""}
    return item | empty | {"status": "in_progress"}


def _call(call: ToolCall) -> Facts:
    named: Facts = {"type": "function_call", "id": f"fc_{call.id}", "call_id": call.id}
    return named | {"name": call.name, "arguments": call.arguments}


def _text(text: str) -> Facts:
    return {"type": "output_text", "text": text, "annotations": []}


def _envelope(reply: Reply, request: ChatRequest, status: str) -> Facts:
    return {
        "id": f"resp_{reply.id}",
        "object": "response",
        "created_at": int(time.time()),
        "status": status,
        "error": None,
        "incomplete_details": None,
        "model": reply.model or request.model,
        "output": [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }


def _usage(usage: Usage) -> Facts:
    return {
        "input_tokens": usage.prompt,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": usage.completion,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.tokens,
    }


def _tools(flat: tuple[Facts, ...] | None) -> list[JsonValue] | None:
    """Function tools, which this dialect does not nest."""
    if flat is None:
        return None
    named = [{name: value for name, value in tool.items() if name != "type"} for tool in flat]
    return [{"type": "function", "function": function} for function in named]


def _words(content: str | tuple[Part, ...] | None) -> str:
    if isinstance(content, str):
        return content
    return "".join(part.text for part in content or ())
