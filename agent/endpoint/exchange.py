"""An exchange with a model as it is kept: one JSON object that a person can read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, JsonValue

from agent.endpoint.message import Answer, Ask, Finish, Message, Role, Speaker, ToolCall, Usage
from agent.endpoint.redaction import Redactor
from sandbox.errors import (
    BudgetSpent,
    EndpointRefused,
    EndpointUnreachable,
    HanjiError,
    ReplyUnusable,
    RequestTooLong,
)

FAILURES: dict[str, type[HanjiError]] = {
    kind.__name__: kind
    for kind in (
        EndpointRefused,
        EndpointUnreachable,
        ReplyUnusable,
        RequestTooLong,
        BudgetSpent,
    )
}
MOST_CHARACTERS = 400_000
"""Of one turn, as it is kept; the reply is kept whole."""


class Kept(BaseModel):
    """A part of what is kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class KeptCall(Kept):
    """A tool call."""

    id: str
    name: str
    arguments: str


class KeptTurn(Kept):
    """A message that was sent."""

    speaker: Speaker
    content: str
    calls: tuple[KeptCall, ...] = ()
    answers: str = ""


class KeptReply(Kept):
    """What came back."""

    text: str
    calls: tuple[KeptCall, ...]
    finish: Finish
    model: str
    prompt_tokens: int
    completion_tokens: int
    measured: bool


class KeptFailure(Kept):
    """Why nothing came back."""

    kind: str
    what: str
    fix: str


class Exchange(Kept):
    """One ask and how it ended. wall_s: seconds until then; at: when."""

    key: str
    role: Role
    model: str
    turns: tuple[KeptTurn, ...]
    tools: tuple[dict[str, JsonValue], ...] = ()
    schema_: dict[str, JsonValue] | None = None
    most_tokens: int
    reply: KeptReply | None = None
    failure: KeptFailure | None = None
    at: str
    wall_s: float

    @classmethod
    def of(cls, ask: Ask, model: str, ended: Answer | HanjiError, wall_s: float) -> Self:
        """The exchange. ended: the answer, or why there is none."""
        return cls(
            key=ask.key,
            role=ask.role,
            model=model,
            turns=tuple(_turn(message) for message in ask.messages),
            tools=tuple(dict(tool) for tool in ask.tools),
            schema_=dict(ask.schema) if ask.schema is not None else None,
            most_tokens=ask.most_tokens,
            reply=_reply(ended) if isinstance(ended, Answer) else None,
            failure=_failure(ended) if isinstance(ended, HanjiError) else None,
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            wall_s=round(wall_s, 3),
        )

    def redacted(self, redactor: Redactor) -> Self:
        """The same without secrets. The key and the role are ours and stay."""
        body = redactor.value(self.model_dump(mode="json"))
        assert isinstance(body, dict)
        return type(self).model_validate({**body, "key": self.key, "role": self.role})

    def ended(self) -> Answer:
        """The answer. Raises the failure, where it ended in one."""
        if self.reply is None:
            failure = self.failure or KeptFailure(kind="", what=f"{self.key} has no reply", fix="")
            raise FAILURES.get(failure.kind, EndpointRefused)(failure.what, failure.fix)
        reply = self.reply
        usage = Usage(reply.prompt_tokens, reply.completion_tokens, reply.measured)
        calls = tuple(ToolCall(call.id, call.name, call.arguments) for call in reply.calls)
        return Answer(reply.text, calls, reply.finish, usage, reply.model)


def _turn(message: Message) -> KeptTurn:
    over = len(message.content) - MOST_CHARACTERS
    cut = f"\n[{over} more characters are not kept]" if over > 0 else ""
    return KeptTurn(
        speaker=message.speaker,
        content=message.content[:MOST_CHARACTERS] + cut,
        calls=_calls(message.calls),
        answers=message.answers,
    )


def _reply(answer: Answer) -> KeptReply:
    return KeptReply(
        text=answer.text,
        calls=_calls(answer.calls),
        finish=answer.finish,
        model=answer.model,
        prompt_tokens=answer.usage.prompt,
        completion_tokens=answer.usage.completion,
        measured=answer.usage.measured,
    )


def _failure(error: HanjiError) -> KeptFailure:
    return KeptFailure(kind=type(error).__name__, what=error.what, fix=error.fix)


def _calls(calls: tuple[ToolCall, ...]) -> tuple[KeptCall, ...]:
    return tuple(KeptCall(id=c.id, name=c.name, arguments=c.arguments) for c in calls)
