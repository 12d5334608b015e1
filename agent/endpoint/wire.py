"""The way back to a client for one request: answers as they should be, and as they should not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import BufferedIOBase
from types import MappingProxyType
from typing import Protocol

from agent.endpoint.protocol import ChatRequest, Dialect, Reply, error_body

JSON = "application/json"
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Connection(Protocol):
    """What the wire needs of an HTTP connection."""

    close_connection: bool

    @property
    def wfile(self) -> BufferedIOBase:
        """Where bytes to the client go."""
        ...

    def respond(self, status: int, headers: Mapping[str, str], length: int | None) -> None:
        """Status line and headers. length: None for a chunked body."""
        ...

    def pause(self, seconds: float) -> bool:
        """Wait; False at once when the server stops, and afterwards when the client has left."""
        ...

    def break_off(self) -> None:
        """Close with a reset."""
        ...


class Wire:
    """The way back to the client for one request."""

    def __init__(self, connection: Connection, request: ChatRequest, dialect: Dialect) -> None:
        self.request = request
        self.dialect = dialect
        self._connection = connection

    def reply(self, reply: Reply) -> None:
        """A whole answer, or a whole stream of it when that was asked for."""
        if not self.request.stream:
            self.send(200, json.dumps(self.dialect.whole(reply, self.request)).encode())
            return
        self.begin_stream()
        for event in self.dialect.events(reply, self.request):
            self.chunk(event)
        self.end_stream()

    def error(self, status: int, message: str, headers: Mapping[str, str] = NO_HEADERS) -> None:
        """An error in OpenAI's shape."""
        self.send(status, json.dumps(error_body(status, message)).encode(), headers=headers)

    def send(
        self,
        status: int,
        body: bytes,
        kind: str = JSON,
        headers: Mapping[str, str] = NO_HEADERS,
        length: int | None = None,
    ) -> None:
        """A response. length: the bytes it announces, where they are not those it sends."""
        announced = len(body) if length is None else length
        self._connection.respond(status, {"Content-Type": kind, **headers}, announced)
        self._connection.wfile.write(body)

    def begin_stream(self) -> None:
        """The head of a body of unknown length: events, or JSON where no stream was asked for."""
        kind = "text/event-stream; charset=utf-8" if self.request.stream else JSON
        self._connection.respond(200, {"Content-Type": kind}, None)

    def chunk(self, data: bytes) -> None:
        """A part of the stream."""
        self._connection.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    def end_stream(self) -> None:
        """The stream's proper end."""
        self._connection.wfile.write(b"0\r\n\r\n")

    def pause(self, seconds: float) -> bool:
        """Wait; False at once when the server stops, and afterwards when the client has left."""
        return self._connection.pause(seconds)

    def hang_up(self) -> None:
        """Close the connection after what was written."""
        self._connection.close_connection = True

    def reset(self) -> None:
        """Break the connection off (RST), as a server that dies does."""
        self._connection.break_off()


class Behaviour(Protocol):
    """An answer that takes the connection into its own hands: a fault, or one that is awaited."""

    def play(self, wire: Wire) -> None:
        """Write what the client is to see."""
        ...
