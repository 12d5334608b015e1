"""A server that sends the very bytes that a test wants, over a real connection."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Play = Callable[[socket.socket], None]


@contextmanager
def raw_server(*plays: Play) -> Iterator[tuple[str, list[bytes]]]:
    """The nth connection is given to the nth play, later ones to the last; requests are kept."""
    listening = socket.create_server(("127.0.0.1", 0))
    requests: list[bytes] = []
    stop = threading.Event()

    def accept() -> None:
        while not stop.is_set():
            with suppress(OSError):
                connection, _ = listening.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(5)
            requests.append(read_request(connection))
            plays[min(len(requests), len(plays)) - 1](connection)

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1", requests
    finally:
        stop.set()
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5)


def read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
    wanted = int(lengths[0].split(b":")[1]) if lengths else 0
    while len(body) < wanted:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def sends(
    body: bytes, status: str = "200 OK", kind: str = "application/json", *headers: str
) -> Play:
    head = [f"HTTP/1.1 {status}", f"content-type: {kind}", f"content-length: {len(body)}"]
    text = "\r\n".join([*head, "connection: close", *headers]) + "\r\n\r\n"
    return lambda connection: connection.sendall(text.encode() + body)


def streams(*pieces: object, done: bool = True) -> Play:
    """Server-sent events of these pieces; text goes as it is."""
    texts = [piece if isinstance(piece, str) else json.dumps(piece) for piece in pieces]
    events = [f"data: {text}\n\n" for text in [*texts, *(["[DONE]"] if done else [])]]
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
    return lambda connection: connection.sendall(head + "".join(events).encode())


def drips(head: bytes, seconds: float = 0.05) -> Play:
    def play(connection: socket.socket) -> None:
        for byte in head:
            connection.sendall(bytes([byte]))
            time.sleep(seconds)

    return play


def delta(finish: str | None = None, **message: object) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": message, "finish_reason": finish}]}


def whole(finish: object = "stop", usage: object = None, **message: object) -> bytes:
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return json.dumps({"model": "m", "choices": [choice], "usage": usage}).encode()
