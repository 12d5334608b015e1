"""What is said to a language model's server and what it answers, whatever the server is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from pydantic import JsonValue

Speaker = Literal["system", "user", "assistant", "tool"]
Role = Literal["propose", "code", "write", "review"]
"""What a request is for: each may have a model of its own."""
Finish = Literal["stop", "length", "tool_calls", "content_filter"]


@dataclass(frozen=True)
class ToolCall:
    """A tool that the model wants called. arguments: JSON text as the model wrote it."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class Message:
    """One turn. calls: of an assistant's turn. answers: id of the call that a tool's turn is to."""

    speaker: Speaker
    content: str = ""
    calls: tuple[ToolCall, ...] = ()
    answers: str = ""


@dataclass(frozen=True)
class Ask:
    """One request.

    key: names it within the run, as `propose-1/2` for the second turn of the first round's
    proposals; a request that was answered under its key is never sent again. tools: function
    schemas. schema: JSON schema of the reply, empty for free text. most_tokens: of the reply.
    """

    key: str
    role: Role
    messages: tuple[Message, ...]
    tools: tuple[Mapping[str, JsonValue], ...] = ()
    schema: Mapping[str, JsonValue] | None = None
    most_tokens: int = 4096


@dataclass(frozen=True)
class Usage:
    """Tokens of one exchange. measured: the server counted them; otherwise they are estimated."""

    prompt: int
    completion: int
    measured: bool = True

    @property
    def tokens(self) -> int:
        """Both together."""
        return self.prompt + self.completion


@dataclass(frozen=True)
class Answer:
    """The model's turn, complete. model: as the server names it."""

    text: str
    calls: tuple[ToolCall, ...]
    finish: Finish
    usage: Usage
    model: str


class Voice(Protocol):
    """Whatever answers: a server, a recording of one, a person at a relay."""

    def ask(self, ask: Ask) -> Answer:
        """The answer. Raises a MindFailed that says why there is none, or BudgetSpent."""
        ...
