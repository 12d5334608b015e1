"""Every exchange with a model is kept in the run, and can be played back without the model.

A reply is `KEY.json` below the run's folder mind/, with `_` for `/`; a failure is
`KEY.failed-N.json`. A cassette is the same as one .jsonl file, one exchange a line.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from pydantic import ValidationError

from agent.endpoint.exchange import FAILURES, Exchange
from agent.endpoint.message import Answer, Ask, Role, Voice
from agent.endpoint.redaction import Redactor
from sandbox.errors import BadInput, CannotResume, EndpointRefused, HanjiError
from tools.atomic import write_atomically

FOLDER = "mind"
KEY = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)*", re.ASCII)
LONGEST_KEY = 160
MOST_BYTES = 64 << 20
"""Of one exchange, and of one line of a cassette."""
FAILED = ".failed-"
KEPT_FAILURES = tuple(FAILURES.values())


class Recorded:
    """A voice whose exchanges are kept; what was answered is answered from there.

    model_for: the model that a role's asks go to, for the record.
    """

    def __init__(
        self, voice: Voice, folder: Path, redactor: Redactor, model_for: Callable[[Role], str]
    ) -> None:
        self._voice = voice
        self._folder = folder
        self._redactor = redactor
        self._model_for = model_for
        self._lock = threading.Lock()

    def ask(self, ask: Ask) -> Answer:
        """The kept answer, or the voice's, which is then kept; either without secrets.

        Raises what the voice raises, and CannotResume for a file that does not hold.
        """
        path = self._folder / f"{file_stem(ask.key)}.json"
        if path.exists():
            return _kept(path, ask.key).ended()
        began = time.monotonic()
        try:
            answer = self._voice.ask(ask)
        except KEPT_FAILURES as failure:
            self._keep(ask, failure, time.monotonic() - began, self._failed_path(ask.key))
            raise
        return self._keep(ask, answer, time.monotonic() - began, path).ended()

    def _keep(self, ask: Ask, ended: Answer | HanjiError, wall_s: float, path: Path) -> Exchange:
        exchange = Exchange.of(ask, self._model_for(ask.role), ended, wall_s)
        exchange = exchange.redacted(self._redactor)
        with self._lock:
            write_atomically(path, exchange.model_dump_json(indent=1) + "\n")
        return exchange

    def _failed_path(self, key: str) -> Path:
        stem = file_stem(key)
        earlier = len(list(self._folder.glob(f"{stem}{FAILED}*.json")))
        return self._folder / f"{stem}{FAILED}{earlier + 1}.json"


class Replayed:
    """A voice that says what a recording holds, under the same keys: the failures too."""

    def __init__(self, exchanges: Mapping[str, Exchange], where: str) -> None:
        self._exchanges = dict(exchanges)
        self._where = where

    @classmethod
    def read(cls, path: Path) -> Replayed:
        """A recording: a run's folder, its folder mind/, or a cassette's file. Raises BadInput."""
        exchanges = read_exchanges(path)
        if not exchanges:
            raise BadInput(
                f"{path} holds no exchange with a model", "name a run, or a cassette of one"
            )
        return cls(_by_key(exchanges), path.name)

    def ask(self, ask: Ask) -> Answer:
        """The recorded answer. Raises the recorded failure, or EndpointRefused without either."""
        exchange = self._exchanges.get(ask.key)
        if exchange is None:
            raise EndpointRefused(
                f"the recording {self._where} has no exchange {ask.key!r}",
                "replay the topic, seed and version that it was recorded with",
            )
        return exchange.ended()


def pack(recording: Path, cassette: Path) -> int:
    """Write a recording as one file, sorted by key; the number of its exchanges.

    Raises BadInput.
    """
    exchanges = _by_key(read_exchanges(recording))
    lines = [exchanges[key].model_dump_json() + "\n" for key in sorted(exchanges)]
    write_atomically(cassette, "".join(lines))
    return len(lines)


def read_exchanges(path: Path) -> list[Exchange]:
    """Every exchange of a recording; of one key, failures stand before the reply.

    Raises BadInput.
    """
    try:
        if path.is_dir():
            folder = path / FOLDER if (path / FOLDER).is_dir() else path
            files = sorted(folder.glob("*.json"), key=_failures_first)
            return [_parsed(_bytes(file), file.name) for file in files]
        lines = _bytes(path).splitlines()
    except OSError as error:
        raise BadInput(f"recording {path}: {error.strerror}", "name a run or a file") from error
    numbered = enumerate(lines, 1)
    return [_parsed(line, f"{path.name}, line {n}") for n, line in numbered if line.strip()]


def file_stem(key: str) -> str:
    """A key as a file's name. Raises ValueError for a key that is none."""
    if len(key) > LONGEST_KEY or not KEY.fullmatch(key) or FAILED in key:
        raise ValueError(f"{key[:LONGEST_KEY]!r} cannot name an exchange")
    return key.replace("_", "__").replace("/", "_")


def _by_key(exchanges: Iterable[Exchange]) -> dict[str, Exchange]:
    """The last of each key, a reply before any failure."""
    last: dict[str, Exchange] = {}
    for exchange in exchanges:
        known = last.get(exchange.key)
        if known is None or known.reply is None or exchange.reply is not None:
            last[exchange.key] = exchange
    return last


def _failures_first(file: Path) -> tuple[str, int]:
    stem, _, number = file.stem.partition(FAILED)
    return stem, int(number) if number.isdecimal() else 1 << 30


def _kept(path: Path, key: str) -> Exchange:
    fix = "move the file away to ask again"
    try:
        exchange = _parsed(_bytes(path), path.name)
    except (BadInput, OSError) as error:
        raise CannotResume(f"{path.name} is not an exchange of this version", fix) from error
    if exchange.key != key:
        raise CannotResume(f"{path.name} holds the exchange {exchange.key!r}, not {key!r}", fix)
    return exchange


def _bytes(path: Path) -> bytes:
    if path.stat().st_size > MOST_BYTES:
        raise BadInput(f"{path.name} is larger than any exchange", "it was not written by Hanji")
    return path.read_bytes()


def _parsed(text: bytes, where: str) -> Exchange:
    try:
        return Exchange.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise BadInput(
            f"{where} is not an exchange: {field}: {first['msg']}", "record it again"
        ) from error
