"""A model that works with tools: told what went wrong, held to limits, never trusted with more."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from agent.endpoint.message import Answer, Ask, Message, ToolCall, Voice
from agent.fence import bounded
from sandbox.errors import (
    CannotResume,
    HanjiError,
    LedgerBroken,
    ReplyUnusable,
    RequestTooLong,
    SandboxUnavailable,
)

if TYPE_CHECKING:
    from agent.toolbox import Toolbox

Ended = Literal["answered", "steps", "repetition", "unusable"]


@dataclass(frozen=True)
class Limits:
    """turns: of the model. repetitions: of one call, the last of which is not made but told.

    letters: of one result that the model is shown; letters_in_all: of the whole conversation.
    """

    turns: int = 12
    repetitions: int = 3
    calls: int = 24
    letters: int = 6000
    letters_in_all: int = 30_000


@dataclass(frozen=True)
class Conversation:
    """All turns but the system's, the last answer, and why it ended there."""

    messages: tuple[Message, ...]
    answer: Answer
    ended: Ended


def converse(voice: Voice, ask: Ask, toolbox: Toolbox, limits: Limits) -> Conversation:
    """Let the model call tools until it answers in words or a limit ends it.

    Turn n has the key `KEY/n`, its call m `KEY/n-m`. The toolbox marks foreign text as data. A
    tool's error is told to the model in a sentence. What is no HanjiError is a crash, and neither
    it nor a broken record is swallowed. A later turn without a usable reply ends the conversation
    where it stands. Raises MindFailed and BudgetSpent of the voice too.
    """
    loop = _Loop(toolbox, limits)
    messages = ask.messages
    for turn in range(1, limits.turns + 1):
        key = f"{ask.key}/{turn}"
        asked = replace(ask, key=key, messages=messages, tools=toolbox.schemas())
        try:
            answer = voice.ask(asked)
        except (ReplyUnusable, RequestTooLong):
            if turn == 1:
                raise
            return Conversation(messages, answer, "unusable")
        messages = (*messages, Message("assistant", answer.text, calls=answer.calls))
        if not answer.calls:
            return Conversation(messages, answer, "answered")
        results = [loop.result(call, f"{key}-{at}") for at, call in enumerate(answer.calls, 1)]
        messages = (*messages, *results)
        if sum(len(m.content) for m in messages) > limits.letters_in_all:
            return Conversation(messages, answer, "steps")
        if loop.ended:
            return Conversation(messages, answer, loop.ended)
    return Conversation(messages, answer, "steps")


class _Loop:
    def __init__(self, toolbox: Toolbox, limits: Limits) -> None:
        self._toolbox = toolbox
        self._limits = limits
        self._made: Counter[str] = Counter()
        self._told = False
        self.ended: Ended | None = None

    def result(self, call: ToolCall, key: str) -> Message:
        text = bounded(self._result(call, key), self._limits.letters)
        return Message("tool", text, answers=call.id)

    def _result(self, call: ToolCall, key: str) -> str:
        known = _names(self._toolbox)
        if call.name not in known:
            return f"there is no tool {call.name[:60]!r}; known: {', '.join(known)}"
        if self._made.total() >= self._limits.calls:
            self.ended = "steps"
            return "no further call is made: answer with what is known"
        name = _same(call)
        self._made[name] += 1
        if self._made[name] >= self._limits.repetitions:
            # told once; a model that goes on repeating itself is stopped
            self.ended = "repetition" if self._told else None
            self._told = True
            return "this very call was made before, and its result is above: do something else"
        try:
            return self._toolbox.call(call.name, call.arguments, key)
        except (LedgerBroken, CannotResume, SandboxUnavailable):
            raise
        except HanjiError as error:
            return f"refused: {error}"


def _names(toolbox: Toolbox) -> list[str]:
    functions = (schema["function"] for schema in toolbox.schemas())
    return [str(function["name"]) for function in functions if isinstance(function, dict)]


def _same(call: ToolCall) -> str:
    """The call, however its JSON is spaced."""
    try:
        arguments = json.dumps(json.loads(call.arguments), sort_keys=True)
    except ValueError:
        arguments = call.arguments
    return f"{call.name} {arguments}"


def without_system(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The turns that a further request may go on from."""
    return tuple(message for message in messages if message.speaker != "system")
