"""An OpenAI-compatible HTTP server on this machine's loopback, with anything that answers behind.

POST /v1/chat/completions and /v1/responses, GET /v1/models. Standard library alone.
"""

from __future__ import annotations

import ipaddress
import json
import os
import select
import socket
import socketserver
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Protocol

from pydantic import SecretStr, ValidationError

from agent.endpoint import responses
from agent.endpoint.protocol import (
    CHAT,
    ChatRequest,
    Facts,
    Reply,
    error_body,
    model_list,
)
from agent.endpoint.wire import JSON, Behaviour, Wire
from sandbox.errors import BadInput

DIALECTS = {"/v1/chat/completions": CHAT, "/v1/responses": responses.RESPONSES}
LARGEST_BYTES = 32 << 20
IDLE_S = 600.0
Accepted = socket.socket | tuple[bytes, socket.socket]
"""What socketserver passes on; with TCP always a socket."""


class Answerer(Protocol):
    """What stands behind the server; asked from several threads at once.

    models: names for `GET /v1/models`, which answers 404 when there are none.
    """

    @property
    def models(self) -> tuple[str, ...]:
        """Names for `GET /v1/models`."""
        ...

    def answer(self, request: ChatRequest) -> Reply | Behaviour:
        """The reply to one request. It may take its time."""
        ...


@dataclass(frozen=True)
class Served:
    """A server that runs. base_url: as a client wants it, with `/v1`."""

    base_url: str
    port: int


@contextmanager
def serve(answerer: Answerer, port: int = 0, host: str = "127.0.0.1") -> Iterator[Served]:
    """Answer on loopback until the block ends; port 0 takes a free one.

    No thread and no socket is left behind. Raises BadInput for an address that others could reach,
    and for a port that is taken.
    """
    try:
        server = _Server(_loopback(host), port, answerer)
    except OSError as error:
        raise BadInput(f"port {port}: {error.strerror}", "choose another --port") from error
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="hanji-endpoint")
    thread.start()
    try:
        bound = server.socket.getsockname()[1]
        yield Served(f"http://{server.host}:{bound}/v1", bound)
    finally:
        server.shutdown()
        thread.join()
        server.close_connections()
        server.server_close()


def _loopback(host: str) -> str:
    """The IPv4 loopback address that `host` means. Raises BadInput."""
    address = "127.0.0.1" if host == "localhost" else host
    try:
        inside = ipaddress.IPv4Address(address).is_loopback
    except ValueError:
        inside = False
    if not inside:
        raise BadInput(f"host {host!r} is not this machine's loopback", "use 127.0.0.1")
    return address


class _Server(socketserver.ThreadingTCPServer):
    """Threads that are joined at the end, and connections that can be ended from outside."""

    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, host: str, port: int, answerer: Answerer) -> None:
        self.host = host
        self.answerer = answerer
        self.stopping = threading.Event()
        self._open: set[Accepted] = set()
        self._lock = threading.Lock()
        super().__init__((host, port), _Connection)

    def process_request(self, request: Accepted, client_address: object) -> None:
        """Begin a connection's thread."""
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Accepted) -> None:
        """End a connection."""
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        """Wake every thread that waits for a client or plays for time."""
        self.stopping.set()
        with self._lock:
            for connection in self._open:
                assert isinstance(connection, socket.socket)
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class _Connection(BaseHTTPRequestHandler):
    """One client's connection."""

    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = IDLE_S

    def handle(self) -> None:
        """A client that goes away is its own affair."""
        with suppress(OSError):
            super().handle()

    def do_GET(self) -> None:
        """The list of models."""
        models = self.server.answerer.models
        if self._foreign() or self.path != "/v1/models" or not models:
            self._error(404, f"no such page: {self.path}")
        else:
            self._json(200, model_list(models))

    def do_POST(self) -> None:
        """One request for an answer."""
        body = self._body()
        if body is None:
            return
        dialect = DIALECTS.get(self.path)
        if dialect is None or self._foreign():
            self._error(404, f"no such page: {self.path}")
            return
        try:
            request = dialect.read(body)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "body"
            self._error(400, f"{where}: {first['msg']}")
            return
        key = self.headers.get("Authorization", "").removeprefix("Bearer ")
        request = request.model_copy(update={"key": SecretStr(key)})
        self._answer(Wire(self, request, dialect))

    def respond(self, status: int, headers: Mapping[str, str], length: int | None) -> None:
        """Status line and headers. length: None for a chunked body."""
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if length is None:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def pause(self, seconds: float) -> bool:
        """Wait; False at once when the server stops, and afterwards when the client has left."""
        return not self.server.stopping.wait(seconds) and not self._left()

    def break_off(self) -> None:
        """Close with a reset: pending data is dropped, no FIN is sent."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())

    def log_message(self, format: str, *args: object) -> None:
        """The answerer tells what it wants told."""

    def _left(self) -> bool:
        """Whether the client has closed its side."""
        seen = select.poll()
        seen.register(self.connection, select.POLLIN)
        return bool(seen.poll(0)) and not self.connection.recv(1, socket.MSG_PEEK)

    def _answer(self, wire: Wire) -> None:
        outcome = self.server.answerer.answer(wire.request)
        if isinstance(outcome, Reply):
            wire.pause(outcome.after_s)
            wire.reply(outcome)
        else:
            outcome.play(wire)

    def _body(self) -> bytes | None:
        """The request's body; None after an error was sent."""
        given = self.headers.get("Content-Length", "")
        if not given.isdecimal():
            self._refuse(411, "a request needs a Content-Length")
        elif int(given) > LARGEST_BYTES:
            self._refuse(413, f"a request has at most {LARGEST_BYTES >> 20} MiB")
        else:
            return self.rfile.read(int(given))
        return None

    def _foreign(self) -> bool:
        """Asked under a name that is not this machine's: a page in a browser, rebinding DNS."""
        name = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        return name not in (self.server.host, "localhost")

    def _refuse(self, status: int, message: str) -> None:
        """An error to a request whose body stays unread."""
        self.close_connection = True
        self._error(status, message)

    def _error(self, status: int, message: str) -> None:
        self._json(status, error_body(status, message))

    def _json(self, status: int, facts: Facts) -> None:
        body = json.dumps(facts, ensure_ascii=False).encode()
        self.respond(status, {"Content-Type": JSON}, len(body))
        self.wfile.write(body)
