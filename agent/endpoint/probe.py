"""What a server honours, seen by trying: its documentation is not asked."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import JsonValue

from agent.endpoint.client import Client
from agent.endpoint.connection import check_set_up
from agent.endpoint.endpoint import Endpoint
from agent.endpoint.message import Answer, Ask, Message
from agent.endpoint.model_list import list_models
from agent.endpoint.strict_json import strict_json
from agent.endpoint.typed import after_thought
from sandbox.errors import BadInput, EndpointRefused, MindFailed

State = Literal["ok", "refused", "ignored", "unchecked"]
MOST_TOKENS = 512
UNUSUAL, WORD = "kumquat_margin", "zanzibar"
"""A field and its only value, which nobody would write without being held to the schema."""
SCHEMA: Mapping[str, JsonValue] = {
    "type": "object",
    "properties": {UNUSUAL: {"type": "string", "enum": [WORD]}},
    "required": [UNUSUAL],
    "additionalProperties": False,
}
TOOL: Mapping[str, JsonValue] = {
    "type": "function",
    "function": {
        "name": "read_thermometer",
        "description": "Reads the thermometer of a room.",
        "parameters": {
            "type": "object",
            "properties": {"room": {"type": "string"}},
            "required": ["room"],
            "additionalProperties": False,
        },
    },
}


@dataclass(frozen=True)
class Probed:
    """One ability. required: no language model can be the mind without it."""

    name: str
    state: State
    found: str
    fix: str = ""
    required: bool = False


def probe(endpoint: Endpoint, environment: Mapping[str, str] = os.environ) -> list[Probed]:
    """Settings, models, chat, streaming, usage, JSON schema, tools, in that order.

    Asks four short questions. What could not be tried is `unchecked`.
    """
    try:
        check_set_up(endpoint, environment)
    except BadInput as missing:
        return [Probed("settings", "refused", missing.what, missing.fix, required=True)]
    shown = f"{endpoint.model} at {endpoint.base_url}"
    return [Probed("settings", "ok", shown, required=True), *_Probe(endpoint, environment).all()]


class _Probe:
    def __init__(self, endpoint: Endpoint, environment: Mapping[str, str]) -> None:
        self._endpoint = endpoint
        self._environment = environment

    def all(self) -> Iterator[Probed]:
        """Everything else is unchecked where nothing answers."""
        yield self._models()
        client = self._client(stream=False, structured="prompt")
        try:
            answer = client.ask(_ask("chat", "Say the word ready."))
        except MindFailed as failed:
            yield Probed("chat", "refused", failed.what, failed.fix, required=True)
            names = ("streaming", "usage", "JSON schema", "tools")
            yield from (Probed(name, "unchecked", "there is no chat") for name in names)
            return
        yield Probed("chat", "ok", _words(answer), required=True)
        streamed = self._streaming()
        yield streamed
        yield self._usage(answer)
        yield self._schema()
        yield self._tools()

    def _client(self, *, stream: bool, structured: Literal["prompt", "schema"]) -> Client:
        retries = min(1, self._endpoint.retries)
        changes: dict[str, object] = {"stream": stream, "structured": structured}
        changes |= {"models": {}, "retries": retries}
        return Client(self._endpoint.model_copy(update=changes), self._environment)

    def _models(self) -> Probed:
        name, model = "models", self._endpoint.model
        try:
            listed = list_models(self._endpoint, self._environment)
        except MindFailed as failed:
            return Probed(name, "unchecked", f"no list of models: {failed.what}")
        wanted = dict.fromkeys([model, *self._endpoint.models.values()])
        absent = [one for one in wanted if one not in listed]
        if not absent:
            return Probed(name, "ok", f"{model} is one of {len(listed)}")
        some = ", ".join(listed[:5]) or "none"
        return Probed(
            name, "ignored", f"{absent[0]} is not listed; listed: {some}", "see the model's name"
        )

    def _streaming(self) -> Probed:
        name, client = "streaming", self._client(stream=True, structured="prompt")
        try:
            client.ask(_ask("streaming", "Say the word ready."))
        except MindFailed as failed:
            return Probed(name, "refused", failed.what, "set `stream = false` in [endpoint]")
        if client.streamed:
            return Probed(name, "ok", "replies come as they are written")
        return Probed(name, "ignored", "replies come whole all the same")

    def _usage(self, answer: Answer) -> Probed:
        used = answer.usage
        if used.measured:
            return Probed("usage", "ok", f"{used.prompt} and {used.completion} tokens counted")
        return Probed("usage", "ignored", "tokens are not counted: Hanji estimates them, too high")

    def _schema(self) -> Probed:
        name, client = "JSON schema", self._client(stream=False, structured="schema")
        ask = replace(_ask("schema", "Describe the sky as one JSON object."), schema=SCHEMA)
        try:
            answer = client.ask(ask)
        except EndpointRefused as refused:
            return Probed(name, "refused", refused.what, "nothing: the prompt asks for JSON too")
        except MindFailed as failed:
            return Probed(name, "unchecked", failed.what, failed.fix)
        if _value(answer.text) == {UNUSUAL: WORD}:
            return Probed(name, "ok", "a reply held to it")
        fix = "nothing: replies are asked for in the prompt, checked, and mended once"
        return Probed(name, "ignored", "the reply did not hold to it", fix)

    def _tools(self) -> Probed:
        name, client = "tools", self._client(stream=False, structured="prompt")
        question = "Call the tool read_thermometer for the room named attic."
        try:
            answer = client.ask(replace(_ask("tools", question), tools=(TOOL,)))
        except EndpointRefused as refused:
            return Probed(name, "refused", refused.what, "use a model or server with tools")
        except MindFailed as failed:
            return Probed(name, "unchecked", failed.what, failed.fix)
        if said := client.left_out.get("tools"):
            return Probed(name, "refused", said, "use a model or server with tools")
        made = [call for call in answer.calls if call.name == "read_thermometer"]
        if made and isinstance(_value(made[0].arguments), dict):
            return Probed(name, "ok", f"called with {made[0].arguments[:60]}")
        return Probed(name, "ignored", "it wrote text instead", "use a model that calls tools")


def _ask(key: str, question: str) -> Ask:
    return Ask(f"probe-{key}", "propose", (Message("user", question),), most_tokens=MOST_TOKENS)


def _words(answer: Answer) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in answer.text).split())
    return f"{answer.model or 'it'} says {line[:60]!r}"


def _value(text: str) -> object:
    try:
        return strict_json(after_thought(text).removeprefix("```json").removesuffix("```"))
    except ValueError:
        return None
