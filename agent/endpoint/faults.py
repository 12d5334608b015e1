"""What servers do instead of answering; each is `{fault: NAME, ...}` in a script."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.endpoint.protocol import PIECE, Reply, error_body, event
from agent.endpoint.wire import Wire

PAGE = (
    "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in to go on.</body></html>"
)
FILLER = "What this server had to say was longer than what arrived of it. " * 4
Seconds = Annotated[float, Field(ge=0, le=3600)]


class Faulty(BaseModel):
    """The shape that all faults share."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Status(Faulty):
    """An HTTP status with an error in OpenAI's shape. retry_after: seconds, none when left out."""

    fault: Literal["status"] = "status"
    status: int = Field(ge=400, le=599)
    message: str = "refused by script"
    retry_after: Seconds | None = None

    def play(self, wire: Wire) -> None:
        """Send the error."""
        wait = self.retry_after
        wire.error(self.status, self.message, {} if wait is None else {"retry-after": f"{wait:g}"})


class Timeout(Faulty):
    """Silence for so long, then a connection that ends without an answer."""

    fault: Literal["timeout"] = "timeout"
    seconds: Seconds

    def play(self, wire: Wire) -> None:
        """Wait and hang up."""
        wire.pause(self.seconds)
        wire.hang_up()


class HalfStream(Faulty):
    """A good answer cut off.

    after: characters of what goes over the wire, head left out; half of them when left out. clean:
    the stream ends properly at the cut, so that only what is missing tells.
    """

    fault: Literal["half_stream"] = "half_stream"
    text: str = FILLER
    after: int | None = Field(default=None, ge=0)
    clean: bool = False

    def play(self, wire: Wire) -> None:
        """Send what comes before the cut, and close."""
        whole = _bytes(wire, Reply(self.text))
        cut = len(whole) // 2 if self.after is None else min(self.after, len(whole) - 1)
        if not wire.request.stream:
            wire.send(200, whole[:cut], length=cut if self.clean else len(whole))
        else:
            wire.begin_stream()
            if cut:
                wire.chunk(whole[:cut])
            if self.clean:
                wire.end_stream()
        wire.hang_up()


class Drip(Faulty):
    """A good answer, one character of the wire every so many seconds."""

    fault: Literal["drip"] = "drip"
    text: str = FILLER
    seconds: Seconds = 0.05

    def play(self, wire: Wire) -> None:
        """Send it slowly."""
        whole = _bytes(wire, Reply(self.text))
        wire.begin_stream()
        for byte in whole:
            wire.chunk(bytes([byte]))
            if not wire.pause(self.seconds):
                break
        wire.end_stream()


class Huge(Faulty):
    """A reply that does not end for so many megabytes."""

    fault: Literal["huge"] = "huge"
    megabytes: int = Field(ge=1, le=512)

    def play(self, wire: Wire) -> None:
        """Send it all, unless the client leaves."""
        wire.reply(Reply("x" * (self.megabytes << 20)))


class NotJson(Faulty):
    """A body that is announced as JSON, or as events of JSON, and is not."""

    fault: Literal["not_json"] = "not_json"
    body: str = '{"id": "chatcmpl-1", "choices": [{"index": 0, "mess'

    def play(self, wire: Wire) -> None:
        """Send it with the status of success."""
        if not wire.request.stream:
            wire.send(200, self.body.encode())
            return
        wire.begin_stream()
        wire.chunk(f"data: {self.body}\n\n".encode())
        wire.end_stream()


class Html(Faulty):
    """A page of a gateway or a portal in the answer's place."""

    fault: Literal["html"] = "html"
    status: int = Field(default=200, ge=200, le=599)
    page: str = PAGE

    def play(self, wire: Wire) -> None:
        """Send the page."""
        wire.send(self.status, self.page.encode(), kind="text/html; charset=utf-8")


class Empty(Faulty):
    """Success, and nothing in it."""

    fault: Literal["empty"] = "empty"

    def play(self, wire: Wire) -> None:
        """Send no body, or a stream that is over at once."""
        if wire.request.stream:
            wire.begin_stream()
            wire.end_stream()
        else:
            wire.send(200, b"")


class StreamError(Faulty):
    """A stream that turns into an error after its first words; unstreamed, an error status."""

    fault: Literal["stream_error"] = "stream_error"
    text: str = Field(default="I think", min_length=1, max_length=PIECE)
    status: int = Field(default=500, ge=400, le=599)
    message: str = "the engine died"

    def play(self, wire: Wire) -> None:
        """Send the words and the error."""
        if not wire.request.stream:
            wire.error(self.status, self.message)
            return
        wire.begin_stream()
        for data in wire.dialect.events(Reply(self.text), wire.request):
            wire.chunk(data)
            if self.text.encode() in data:
                break
        wire.chunk(event(error_body(self.status, self.message)))
        wire.end_stream()


class Close(Faulty):
    """A connection that is reset before anything is answered."""

    fault: Literal["close"] = "close"

    def play(self, wire: Wire) -> None:
        """Reset it."""
        wire.reset()


FAULTS = Annotated[
    Status | Timeout | HalfStream | Drip | Huge | NotJson | Html | Empty | StreamError | Close,
    Field(discriminator="fault"),
]


def _bytes(wire: Wire, reply: Reply) -> bytes:
    """All that a good answer to this request sends after its head."""
    if wire.request.stream:
        return b"".join(wire.dialect.events(reply, wire.request))
    return json.dumps(wire.dialect.whole(reply, wire.request)).encode()
