"""A reply of the Responses API: its stream ends with an event that holds the whole."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import Field

from agent.endpoint.message import Answer, ToolCall, Usage
from agent.endpoint.reading import MOST_CALLS, Shape, Withheld, finished, parsed, plain

LAST = ("response.completed", "response.incomplete", "response.failed")


class Counts(Shape):
    """Tokens as the Responses API counts them."""

    input_tokens: int = -1
    output_tokens: int = -1


class Content(Shape):
    """A part of a message: text, or a refusal."""

    type: str = ""
    text: str = ""
    refusal: str = ""


class Item(Shape):
    """A message, a call of a function, or something that is of no use here."""

    type: str = ""
    content: list[Content] | None = None
    call_id: str = ""
    name: str = ""
    arguments: str = ""


class Incomplete(Shape):
    """Why it did not come to its end."""

    reason: str = ""


class Trouble(Shape):
    """What a server says went wrong."""

    message: str = ""


class Response(Shape):
    """The whole."""

    model: str | None = None
    status: str = ""
    output: list[Item] = Field(default_factory=list)
    usage: Counts | None = None
    incomplete_details: Incomplete | None = None
    error: Trouble | None = None


class Event(Shape):
    """One event of a stream."""

    type: str = ""
    delta: str | None = None
    response: dict[str, object] | None = None
    message: str = ""


@dataclass
class ResponsesGathering:
    """Pieces are counted; the answer is the whole at the end."""

    text: str = ""
    whole: Response | None = None
    calls: list[Item] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Characters so far."""
        return len(self.said())

    def said(self) -> str:
        """Text and calls."""
        return self.text + "".join(call.name + call.arguments for call in self.calls)

    def add(self, data: object) -> None:
        """Take an event, or the whole. Raises Malformed."""
        if isinstance(data, dict) and "output" in data:
            return self._take(parsed(Response, data))
        event = parsed(Event, data)
        if event.type == "response.output_text.delta":
            self.text += event.delta or ""
        elif event.type in LAST and event.response is not None:
            self._take(parsed(Response, event.response))
        return None

    def _take(self, whole: Response) -> None:
        self.whole = whole
        parts = [part for item in whole.output for part in item.content or ()]
        self.text = "".join(part.text for part in parts)
        self.calls = [item for item in whole.output if item.type == "function_call"]
        if len(self.calls) > MOST_CALLS:
            raise Withheld(f"it made more than {MOST_CALLS} calls in one turn")
        refusal = "".join(part.refusal for part in parts)
        if refusal and not self.text:
            raise Withheld(f"the model refuses: {refusal[:200]}")

    def answer(self, guess: Usage) -> Answer | None:
        """The answer, None when it did not come to its end. Raises Malformed for one refused."""
        whole = self.whole
        if whole is None or whole.status in ("failed", "cancelled", "in_progress", "queued"):
            return None
        reason = whole.incomplete_details.reason if whole.incomplete_details else ""
        counts = whole.usage or Counts()
        said = Usage(counts.input_tokens, counts.output_tokens)
        calls = tuple(
            ToolCall(plain(item.call_id) or f"call_{at}", plain(item.name), plain(item.arguments))
            for at, item in enumerate(self.calls)
        )
        end = reason if whole.status == "incomplete" else "stop"
        return finished(self.text, calls, end, said, guess, whole.model or "")
