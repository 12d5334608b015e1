"""A person or another agent as the model: requests become files, and replies are files.

    FOLDER/0001-request.md      to read: what is asked, and which file to write
    FOLDER/0001-request.json    the same for machines, with the request's digest
    FOLDER/0001-reply.md        written by whoever answers: the reply's text, or
    FOLDER/0001-reply.json      {"text" or "json": ..., "tool_calls": [{"name", "arguments"}]}
    FOLDER/0001-error.txt       why a reply could not be taken; gone when a better one was

A request that comes again, after a time-out or a restart, is known by its digest and gets the
reply that was written meanwhile.
"""

from __future__ import annotations

import fcntl
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, TextIO

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from agent.endpoint.message import ToolCall
from agent.endpoint.protocol import ChatRequest, Reply
from agent.endpoint.relay_page import page, title
from agent.endpoint.wire import Wire
from sandbox.errors import BadInput
from tools.atomic import write_atomically

Step = Literal["asked", "asked again", "answered", "not taken", "still waiting"]
Tell = Callable[[int, Step, str], None]
"""Told the request's number, what happened to it, and in words what about it."""
Look = tuple[tuple[str, int, int, int], ...]
"""Name, inode, size and time of every reply file: the same twice means that nobody writes."""


class WrittenCall(BaseModel):
    """A tool call as a person writes it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    arguments: dict[str, JsonValue] = Field(default_factory=dict)


class WrittenReply(BaseModel):
    """The shape of `NNNN-reply.json`. json: instead of text, a text that is this."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str = ""
    json_: JsonValue = Field(default=None, alias="json")
    tool_calls: tuple[WrittenCall, ...] = ()

    @model_validator(mode="after")
    def _says_something_once(self) -> Self:
        given = {"text", "json_"} & self.model_fields_set
        if len(given) == 2 or not (given or self.tool_calls):
            raise ValueError("give `text`, `json` or `tool_calls`, and not `text` beside `json`")
        return self

    def as_reply(self, number: int) -> Reply:
        """As the server sends it; ids of calls follow from the request's number."""
        text = self.text
        if "json_" in self.model_fields_set:
            text = json.dumps(self.json_, ensure_ascii=False)
        calls = tuple(
            ToolCall(f"call_{number:04}_{n}", call.name, json.dumps(call.arguments))
            for n, call in enumerate(self.tool_calls, 1)
        )
        return Reply(text, calls, "tool_calls" if calls else "stop")


class Slip:
    """One request's files."""

    def __init__(self, folder: Path, number: int) -> None:
        self.number = number
        self.folder = folder
        self.refused: Look = ()

    def file(self, ending: str) -> Path:
        """Its file of that ending, as `reply.md`."""
        return self.folder / f"{self.number:04}-{ending}"

    def write(self, request: ChatRequest) -> None:
        """Put the request where it is looked for."""
        facts = {"number": self.number, "digest": request.digest}
        facts |= {"request": request.model_dump(mode="json", exclude_none=True)}
        text = json.dumps(facts, ensure_ascii=False, indent=1)
        write_atomically(self.file("request.json"), text + "\n")
        write_atomically(self.file("request.md"), page(self.number, request))

    def look(self) -> Look:
        """The reply files as they are now; none while empty."""
        seen = []
        for path in (self.file("reply.md"), self.file("reply.json")):
            if path.is_file() and (about := path.stat()).st_size:
                seen.append((path.name, about.st_ino, about.st_size, about.st_mtime_ns))
        return tuple(seen)

    def read(self) -> Reply:
        """The reply. Raises ValueError saying what is wrong with the files."""
        text, written = self.file("reply.md"), self.file("reply.json")
        if text.is_file() and written.is_file():
            raise ValueError(f"there are both {text.name} and {written.name}: remove one")
        if text.is_file():
            return Reply(text.read_text(encoding="utf-8").strip("\n"))
        data = json.loads(written.read_text(encoding="utf-8"))
        return WrittenReply.model_validate(data).as_reply(self.number)


class Awaited:
    """An answer that somebody is to write."""

    def __init__(self, slip: Slip, tell: Tell, wait_s: float, settle_s: float) -> None:
        self._slip = slip
        self._tell = tell
        self._wait_s = wait_s
        self._settle_s = settle_s

    def play(self, wire: Wire) -> None:
        """Wait for the reply and send it; after too long, 504, upon which clients ask again."""
        ends = time.monotonic() + self._wait_s
        before: Look = ()
        while time.monotonic() < ends:
            now = self._slip.look()
            settled = now and now == before and now != self._slip.refused
            if settled and (reply := self._taken(now)):
                wire.reply(reply)
                self._tell(self._slip.number, "answered", "")
                return
            before = now
            if not wire.pause(self._settle_s):
                wire.hang_up()
                return
        name = self._slip.file("reply.md").name
        self._tell(self._slip.number, "still waiting", f"told the client to ask again for {name}")
        wire.error(504, f"nobody has written {name} yet", {"retry-after": "1"})

    def _taken(self, now: Look) -> Reply | None:
        """The reply, or None after its mistake was told."""
        error = self._slip.file("error.txt")
        try:
            reply = self._slip.read()
        except (ValueError, OSError) as mistake:
            self._slip.refused = now
            said = _said(mistake)
            write_atomically(error, f"{said}\nMend the file; it is looked for again.\n")
            self._tell(self._slip.number, "not taken", said)
            return None
        error.unlink(missing_ok=True)
        return reply


class Relay:
    """Answers by files in one folder, which is its alone while open.

    wait_s: for a reply, before the client is told to ask again. settle_s: a reply file that did
    not change for so long is complete. Raises BadInput for a folder that another relay holds, that
    cannot be written, or whose requests cannot be read.
    """

    models = ("relay",)

    def __init__(
        self, folder: Path, tell: Tell, wait_s: float = 3540.0, settle_s: float = 0.25
    ) -> None:
        self.folder = folder
        self._tell = tell
        self._wait_s = wait_s
        self._settle_s = settle_s
        self._threads = threading.Lock()
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._held = _held(folder)
        except OSError as error:
            raise BadInput(f"{folder}: {error.strerror}", "name another --folder") from error
        try:
            self._slips = {digest: Slip(folder, number) for number, digest in _known(folder)}
        except BadInput:
            self._held.close()
            raise

    def __enter__(self) -> Self:
        """Open already."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of the folder."""
        self._held.close()

    def answer(self, request: ChatRequest) -> Awaited:
        """Enter the request, unless it is known, and wait for its reply."""
        with self._threads:
            known = self._slips.get(request.digest)
            slip = known or Slip(self.folder, 1 + max(_numbers(self.folder), default=0))
            if not slip.file("request.md").exists():
                slip.write(request)
            self._slips[request.digest] = slip
        self._tell(slip.number, "asked again" if known else "asked", title(request))
        return Awaited(slip, self._tell, self._wait_s, self._settle_s)


def _held(folder: Path) -> TextIO:
    """The folder's lock, which goes with the process. Raises BadInput when another has it."""
    lock = (folder / ".relay").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise BadInput(
            f"another relay holds {folder}", "end it, or name another --folder"
        ) from error
    return lock


def _numbers(folder: Path) -> list[int]:
    """Those in use, whatever file uses them."""
    found = (path.name.partition("-")[0] for path in folder.iterdir())
    return [int(number) for number in found if number.isdecimal()]


def _known(folder: Path) -> list[tuple[int, str]]:
    """Number and digest of every request on disk."""
    return [_entry(path) for path in sorted(folder.glob("[0-9]*-request.json"))]


def _entry(path: Path) -> tuple[int, str]:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        return int(facts["number"]), str(facts["digest"])
    except (ValueError, TypeError, KeyError) as error:
        raise BadInput(f"{path} is not a request of a relay", "remove the file") from error


def _said(mistake: ValueError | OSError) -> str:
    """One sentence about a reply file."""
    if isinstance(mistake, ValidationError):
        first = mistake.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the reply"
        return f"{where}: {first['msg']}"
    if isinstance(mistake, json.JSONDecodeError):
        return f"the reply is not JSON: {mistake}"
    return str(mistake)
