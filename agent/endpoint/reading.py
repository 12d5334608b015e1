"""A server's JSON, whole or in pieces, becomes an Answer; whatever it sends is checked here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from agent.endpoint.estimate import credible
from agent.endpoint.message import Answer, Finish, ToolCall, Usage

MOST_CALLS = 64
FINISHES: Mapping[str, Finish] = {
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
"""Everything else that a server calls an end is one: `stop`."""


class Malformed(Exception):
    """What came is not a reply. Its text is one sentence."""


class Withheld(Malformed):
    """The server did its part, and the model gave nothing that can be used this time."""


class Shape(BaseModel):
    """A part of a reply; servers add fields of their own, which mean nothing here."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class Counts(Shape):
    """Tokens as Chat Completions counts them."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None

    def usage(self) -> Usage | None:
        """The same as Usage, None where a count is missing."""
        if self.prompt_tokens is None or self.completion_tokens is None:
            return None
        return Usage(self.prompt_tokens, self.completion_tokens)


class FunctionPart(Shape):
    """A function's name and its arguments, either of which may come in pieces."""

    name: str | None = None
    arguments: str | None = None

    @field_validator("arguments", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return json.dumps(value) if isinstance(value, dict) else value


S = TypeVar("S", bound=Shape)


class CallPart(Shape):
    """A call or a piece of one. index: which call a piece belongs to."""

    index: int | None = None
    id: str | None = None
    function: FunctionPart = Field(default_factory=FunctionPart)


class TextPart(Shape):
    """A part of a content that is a list."""

    text: str = ""


class Turn(Shape):
    """The message of a whole reply, or the delta of a piece."""

    content: str | list[TextPart] | None = None
    refusal: str | None = None
    tool_calls: list[CallPart] | None = Field(default=None, max_length=MOST_CALLS)

    @property
    def text(self) -> str:
        """What it says."""
        if isinstance(self.content, list):
            return "".join(part.text for part in self.content)
        return self.content or ""


class Choice(Shape):
    """A reply; asked for once, so only the first counts."""

    message: Turn | None = None
    delta: Turn | None = None
    finish_reason: str | None = None


class Reply(Shape):
    """A whole reply of Chat Completions, or one piece of a stream."""

    model: str | None = None
    choices: list[Choice] | None = None
    usage: Counts | None = None


class Gathering(Protocol):
    """A reply that is being read."""

    text: str

    def add(self, data: object) -> None:
        """Take a piece, or the whole. Raises Malformed."""
        ...

    @property
    def size(self) -> int:
        """Characters so far."""
        ...

    def said(self) -> str:
        """Everything that the model wrote so far, to estimate its tokens from."""
        ...

    def answer(self, guess: Usage) -> Answer | None:
        """The answer, None when it did not come to its end. Raises Malformed for one refused."""
        ...


@dataclass
class Part:
    """A call as gathered so far."""

    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass
class ChatGathering:
    """Chat Completions, whole or in pieces."""

    text: str = ""
    refusal: str = ""
    model: str = ""
    finish: str = ""
    usage: Usage | None = None
    calls: dict[int, Part] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Characters so far."""
        return len(self.text) + sum(len(c.name) + len(c.arguments) for c in self.calls.values())

    def said(self) -> str:
        """Text and calls."""
        return self.text + "".join(call.name + call.arguments for call in self.calls.values())

    def add(self, data: object) -> None:
        """Take a piece, or the whole. Raises Malformed."""
        reply = parsed(Reply, data)
        self.model = reply.model or self.model
        if reply.usage is not None:
            self.usage = reply.usage.usage()
        for choice in (reply.choices or ())[:1]:
            ended = "stop" if choice.message is not None else ""
            self.finish = choice.finish_reason or self.finish or ended
            turn = choice.message or choice.delta
            if turn is not None:
                self._turn(turn)

    def _turn(self, turn: Turn) -> None:
        self.text += turn.text
        self.refusal += turn.refusal or ""
        for piece in turn.tool_calls or ():
            call = self._call(piece)
            call.id = call.id or piece.id or ""
            call.name = call.name or piece.function.name or ""
            call.arguments += piece.function.arguments or ""

    def _call(self, piece: CallPart) -> Part:
        """The call that a piece continues; servers that give no index begin each with its name."""
        at = piece.index
        if at is None:
            at = next((n for n, c in self.calls.items() if piece.id and c.id == piece.id), None)
        if at is None:
            new = piece.id or piece.function.name or not self.calls
            at = len(self.calls) if new else max(self.calls)
        if at not in self.calls and len(self.calls) >= MOST_CALLS:
            raise Withheld(f"it made more than {MOST_CALLS} calls in one turn")
        return self.calls.setdefault(at, Part())

    def answer(self, guess: Usage) -> Answer | None:
        """The answer, None when it did not come to its end. Raises Malformed for one refused."""
        if not self.finish:
            return None
        if self.refusal and not self.text:
            raise Withheld(f"the model refuses: {self.refusal[:200]}")
        calls = tuple(
            ToolCall(plain(call.id) or f"call_{at}", plain(call.name), plain(call.arguments))
            for at, call in sorted(self.calls.items())
        )
        return finished(self.text, calls, self.finish, self.usage, guess, self.model)


def finished(
    text: str, calls: tuple[ToolCall, ...], end: str, said: Usage | None, guess: Usage, model: str
) -> Answer:
    """A complete answer. Raises Malformed when there is nothing in it."""
    finish = FINISHES.get(end, "stop")
    if calls and finish == "stop":
        finish = "tool_calls"
    if finish == "content_filter":
        raise Withheld("its content filter withheld the answer")
    if not calls and not text.strip() and finish != "length":
        raise Withheld("its answer is empty")
    return Answer(plain(text), calls, finish, credible(said, guess), plain(model)[:200])


def plain(text: str) -> str:
    """Text that can be written as UTF-8: half a surrogate pair becomes U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def parsed(kind: type[S], data: object) -> S:
    """The data as this shape. Raises Malformed naming the field."""
    if not isinstance(data, dict):
        raise Malformed("it sent something other than a JSON object")
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Malformed(f"{where[:80]}: {first['msg'][:120]}") from error
