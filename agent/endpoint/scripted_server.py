"""A language model's server that follows a script: for tests, and to try what a fault does.

The script is YAML, `hanji mind serve SCRIPT.yaml`:

    model: scripted                  # what it calls itself; left out: as it is asked
    models: [scripted]               # GET /v1/models; 404 when left out
    steps:                           # the first that fits and is not used up answers
      - text: Hello.                 # fits once, whatever is asked
      - when: {says: block}          # the last user turn contains it; `matches:` takes a pattern
        json: {name: fading}         # a text that is this, as JSON
        repeat: forever              # or a number of times
      - when: {tools: true}          # tools are offered; also schema, stream, model
        tool_calls: [{name: merge, arguments: {method: slerp}}]
      - {text: cut, finish: length}  # also `model: other`, `after_s: 2`, and for usage either
                                     # `usage: false` or `usage: {prompt: 9, completion: 2}`
      - {fault: status, status: 429, retry_after: 1}      # every fault: agent/endpoint/faults.py

A request that no step fits is answered with status 400 and is kept in `unmatched`.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    Tag,
    ValidationError,
    model_validator,
)

from agent.endpoint.faults import FAULTS, Faulty, Seconds, Status
from agent.endpoint.message import Finish, ToolCall, Usage
from agent.endpoint.protocol import ChatRequest, Reply, estimated_usage
from agent.endpoint.wire import Behaviour
from sandbox.errors import BadInput


class Strict(BaseModel):
    """A part of a script; an unknown field is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class When(Strict):
    """What a request must be like. Everything that is given has to hold."""

    says: str | None = None
    matches: str | None = None
    tools: bool | None = None
    schema_: bool | None = Field(default=None, alias="schema")
    stream: bool | None = None
    model: str | None = None

    @model_validator(mode="after")
    def _is_a_pattern(self) -> Self:
        try:
            re.compile(self.matches or "")
        except re.error as error:
            raise ValueError(f"`matches` is not a pattern: {error}") from error
        return self

    def fits(self, request: ChatRequest) -> bool:
        """Whether the request is meant."""
        flags = [
            (self.tools, bool(request.tools)),
            (self.schema_, request.reply_schema is not None),
            (self.stream, bool(request.stream)),
            (self.model, request.model),
        ]
        return (
            all(wanted is None or wanted == given for wanted, given in flags)
            and (self.says or "") in request.said
            and re.search(self.matches or "", request.said) is not None
        )


class ScriptedCall(Strict):
    """A tool call. arguments: a mapping, or the very text, which need not be JSON."""

    name: str
    arguments: dict[str, JsonValue] | str = Field(default_factory=dict)

    def as_call(self, id_: str) -> ToolCall:
        """The call under this id."""
        given = self.arguments
        return ToolCall(id_, self.name, given if isinstance(given, str) else _dumped(given))


class Counted(Strict):
    """A usage that the server claims."""

    prompt: int
    completion: int


class Says(Strict):
    """A reply. json: a text that is this. after_s: how long it thinks."""

    text: str = ""
    json_: JsonValue = Field(default=None, alias="json")
    tool_calls: tuple[ScriptedCall, ...] = ()
    finish: Finish | None = None
    usage: Counted | Literal[False] | None = None
    model: str = ""
    after_s: Seconds = 0.0

    def reply(self, request: ChatRequest, model: str) -> Reply:
        """The reply to this request by a server of that name."""
        text = _dumped(self.json_) if "json_" in self.model_fields_set else self.text
        calls = tuple(call.as_call(f"call_{n}") for n, call in enumerate(self.tool_calls, 1))
        finish = self.finish or ("tool_calls" if calls else "stop")
        reply = Reply(text, calls, finish, None, self.model or model, self.after_s)
        if self.usage is False:
            return reply
        counted = self.usage or estimated_usage(reply, request)
        return replace(reply, usage=Usage(counted.prompt, counted.completion))


def _kind(body: object) -> str:
    """Which of the two a step's deed is."""
    named = isinstance(body, Mapping) and "fault" in body
    return "fault" if named or isinstance(body, Faulty) else "says"


class Step(Strict):
    """When to say or do what, and how often."""

    when: When = When()
    repeat: Annotated[int, Field(ge=1)] | Literal["forever"] = 1
    does: Annotated[
        Annotated[Says, Tag("says")] | Annotated[FAULTS, Tag("fault")],
        Discriminator(_kind),
    ]

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, data: object) -> object:
        """A script writes what a step does beside `when` and `repeat`."""
        if not isinstance(data, Mapping) or "does" in data:
            return data
        own = {name: data[name] for name in ("when", "repeat") if name in data}
        return {**own, "does": {name: data[name] for name in data if name not in own}}


class Script(Strict):
    """The script's shape."""

    model: str = ""
    models: tuple[str, ...] = ()
    steps: tuple[Step, ...]


class ScriptedServer:
    """Answers by a script, and keeps what it was asked.

    requests: all that came, in order. unmatched: those of them that no step fitted.
    """

    def __init__(self, script: Script) -> None:
        self.requests: list[ChatRequest] = []
        self.unmatched: list[ChatRequest] = []
        self._script = script
        self._used = [0] * len(script.steps)
        self._lock = threading.Lock()

    @classmethod
    def of(cls, *steps: Mapping[str, object], model: str = "") -> ScriptedServer:
        """A server of these steps, as a script's YAML would have them."""
        return cls(_checked({"model": model, "steps": list(steps)}, "the script"))

    @property
    def models(self) -> tuple[str, ...]:
        """Those that the script lists."""
        return self._script.models

    def answer(self, request: ChatRequest) -> Reply | Behaviour:
        """What the first step that fits says or does."""
        with self._lock:
            self.requests.append(request)
            step = self._next(request)
        if step is None:
            return Status(status=400, message="the script has no step for this request")
        if isinstance(step.does, Faulty):
            return step.does
        return step.does.reply(request, self._script.model)

    def _next(self, request: ChatRequest) -> Step | None:
        for number, step in enumerate(self._script.steps):
            left = step.repeat == "forever" or self._used[number] < step.repeat
            if left and step.when.fits(request):
                self._used[number] += 1
                return step
        self.unmatched.append(request)
        return None


def read_script(path: Path) -> Script:
    """A checked script. Raises BadInput naming the field."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"script {path}: {error.strerror}", "name a YAML file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadInput(f"script {path.name} is not YAML", str(error).split("\n")[0]) from error
    return _checked(data, f"script {path.name}")


def _checked(data: object, name: str) -> Script:
    try:
        return Script.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "does") or "script"
        fix = "agent/endpoint/scripted_server.py shows a whole one"
        raise BadInput(f"{name}: {where}: {first['msg']}", fix) from error


def _dumped(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False)
