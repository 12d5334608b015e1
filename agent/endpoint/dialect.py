"""What an ask looks like on the wire, in either dialect, and what a server made us leave out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from pydantic import JsonValue

from agent.endpoint.endpoint import Endpoint
from agent.endpoint.message import Ask, Message

Body = dict[str, JsonValue]
PATHS = {"chat": "/chat/completions", "responses": "/responses"}
REFUSED_AS: Mapping[str, tuple[str, ...]] = {
    "max_tokens": ("max_tokens",),
    "max_output_tokens": ("max_output_tokens",),
    "stream_options": ("stream_options",),
    "temperature": ("temperature",),
    "response_format": ("response_format", "schema", "grammar", "structured", "guided"),
    "text": ("text.format", "schema", "grammar", "structured"),
    "tools": ("tool",),
}
"""Optional fields of a request, and the words by which a refusal names them."""
SCHEMAS = ("response_format", "text")


def body_of(ask: Ask, endpoint: Endpoint, left_out: frozenset[str] = frozenset()) -> Body:
    """The JSON to send. left_out: fields that this server refused before."""
    body = _chat(ask, endpoint) if endpoint.api == "chat" else _responses(ask, endpoint)
    if "max_tokens" in left_out:
        body["max_completion_tokens"] = ask.most_tokens
    return {name: value for name, value in body.items() if name not in left_out}


def refused_field(body: Body, words: str, endpoint: Endpoint) -> str:
    """The optional field of the body that a server's refusal is about, empty for none.

    A refusal that names nothing is put down to the schema, which servers refuse in many words.
    """
    sent = [name for name in REFUSED_AS if name in body]
    if endpoint.structured == "schema":
        sent = [name for name in sent if name not in SCHEMAS]
    named = [name for name in sent if any(word in words.lower() for word in REFUSED_AS[name])]
    return next(iter(named + [name for name in sent if name in SCHEMAS]), "")


def _chat(ask: Ask, endpoint: Endpoint) -> Body:
    body: Body = {
        "model": endpoint.model_for(ask.role),
        "messages": [_turn(message) for message in ask.messages],
        "max_tokens": ask.most_tokens,
    }
    if endpoint.stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    if ask.tools:
        body["tools"] = [{"type": "function", "function": _function(tool)} for tool in ask.tools]
    if ask.schema and endpoint.structured != "prompt":
        body["response_format"] = {"type": "json_schema", "json_schema": _named(ask.schema)}
    if endpoint.temperature >= 0:
        body["temperature"] = endpoint.temperature
    return body


def _turn(message: Message) -> JsonValue:
    turn: Body = {"role": message.speaker, "content": message.content}
    if message.calls:
        turn["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in message.calls
        ]
    if message.speaker == "tool":
        turn["tool_call_id"] = message.answers
    return turn


def _responses(ask: Ask, endpoint: Endpoint) -> Body:
    body: Body = {
        "model": endpoint.model_for(ask.role),
        "input": [item for message in ask.messages for item in _items(message)],
        "max_output_tokens": ask.most_tokens,
        "store": False,
    }
    if endpoint.stream:
        body["stream"] = True
    if ask.tools:
        body["tools"] = [{"type": "function", **_function(tool)} for tool in ask.tools]
    if ask.schema and endpoint.structured != "prompt":
        body["text"] = {"format": {"type": "json_schema", **_named(ask.schema)}}
    if endpoint.temperature >= 0:
        body["temperature"] = endpoint.temperature
    return body


def _items(message: Message) -> list[JsonValue]:
    if message.speaker == "tool":
        output: Body = {"type": "function_call_output", "call_id": message.answers}
        return [output | {"output": message.content}]
    said: list[JsonValue] = []
    if message.content:
        said.append({"role": message.speaker, "content": message.content})
    for call in message.calls:
        item: Body = {"type": "function_call", "call_id": call.id, "name": call.name}
        said.append(item | {"arguments": call.arguments})
    return said


def _function(tool: Mapping[str, JsonValue]) -> Body:
    """The function's own schema, also where it comes wrapped as Chat Completions has it."""
    inner = tool.get("function")
    return dict(inner) if isinstance(inner, dict) else dict(tool)


def _named(schema: Mapping[str, JsonValue]) -> Body:
    return {"name": "reply", "schema": dict(schema), "strict": _closed(cast(JsonValue, schema))}


def _closed(schema: JsonValue) -> bool:
    """Whether every object in it requires all its fields, as strict mode wants."""
    if isinstance(schema, list):
        return all(_closed(part) for part in schema)
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "object":
        fields, required = schema.get("properties"), schema.get("required", [])
        if not isinstance(fields, dict) or not isinstance(required, list):
            return False
        if schema.get("additionalProperties") is not False or set(fields) - set(map(str, required)):
            return False
    return all(_closed(part) for part in schema.values())
