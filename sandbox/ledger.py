"""The append-only, hash-chained record of a run: its source of truth.

Each line of `ledger.jsonl` is one JSON object: the fields of a record, plus `at` (UTC), `previous`
(the digest of the line before) and `digest` (SHA-256 of the line without that field). Source of the
idea: Haber & Stornetta 1991.
"""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from sandbox.errors import LedgerBroken
from sandbox.records import AnyLine, Line, canonical, digest_of

L = TypeVar("L", bound=Line)
GENESIS = "0" * 64
_ANY: TypeAdapter[AnyLine] = TypeAdapter(AnyLine)


@dataclass(frozen=True)
class Sealed:
    """A line as it stands in the file."""

    number: int
    at: str
    previous: str
    digest: str
    line: AnyLine


class Ledger:
    """Append, read. One process writes a ledger at a time; threads of it may share the object."""

    def __init__(self, path: Path) -> None:
        """Open or create.

        A last line cut short by a crash is removed; anything else that is wrong raises
        LedgerBroken.
        """
        self.path = path
        self._lock = threading.Lock()
        self._sealed: list[Sealed] = []
        self._index: dict[tuple[str, str], Sealed] = {}
        self._of_kind: dict[type[object], list[AnyLine]] = {}
        _drop_torn_tail(path)
        for sealed in read(path):
            self._remember(sealed)

    def append(self, line: AnyLine) -> Sealed:
        """Seal and write one line, flushed to disk. The same fact twice is written once.

        Raises LedgerBroken when the kind and id are there already with other content: facts are not
        edited.
        """
        with self._lock:
            known = self._index.get((line.kind, line.id))
            if known is not None:
                if known.line != line:
                    raise LedgerBroken(
                        f"{self.path.name}: {line.kind} {line.id} is already recorded otherwise",
                        "a sealed line is never edited; record a new one",
                    )
                return known
            previous = self._sealed[-1].digest if self._sealed else GENESIS
            body = {**line.model_dump(mode="json"), "at": _now(), "previous": previous}
            sealed = Sealed(len(self._sealed) + 1, body["at"], previous, digest_of(body), line)
            self._write(canonical({**body, "digest": sealed.digest}).encode() + b"\n")
            self._remember(sealed)
            return sealed

    def lines(self, kind: type[L]) -> list[L]:
        """All records of one kind, oldest first."""
        with self._lock:
            return [line for line in self._of_kind.get(kind, ()) if isinstance(line, kind)]

    def find(self, kind: type[L], id: str) -> L | None:
        """The record of that kind and id, if it was written."""
        name = kind.model_fields["kind"].default
        with self._lock:
            sealed = self._index.get((name, id))
        return sealed.line if sealed is not None and isinstance(sealed.line, kind) else None

    def sealed(self) -> list[Sealed]:
        """Every line with its seal, oldest first."""
        with self._lock:
            return list(self._sealed)

    @property
    def head(self) -> str:
        """Digest of the last line."""
        with self._lock:
            return self._sealed[-1].digest if self._sealed else GENESIS

    def _write(self, text: bytes) -> None:
        """Add a line to the file, or (a full disk) leave the file as it was and raise OSError."""
        with self.path.open("ab", buffering=0) as file:
            end = file.seek(0, os.SEEK_END)
            try:
                if file.write(text) != len(text):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
                os.fsync(file.fileno())
            except OSError:
                file.truncate(end)
                raise

    def _remember(self, sealed: Sealed) -> None:
        self._sealed.append(sealed)
        self._index[(sealed.line.kind, sealed.line.id)] = sealed
        self._of_kind.setdefault(type(sealed.line), []).append(sealed.line)


def read(path: Path) -> Iterator[Sealed]:
    """Read and check every line, to the byte. Raises LedgerBroken naming the line."""
    if not path.exists():
        return
    previous = GENESIS
    for number, text in enumerate(path.read_bytes().splitlines(), start=1):
        sealed = _parse(path.name, number, text, previous)
        previous = sealed.digest
        yield sealed


def _parse(name: str, number: int, text: bytes, previous: str) -> Sealed:
    fix = "the file was edited or damaged after it was written; restore it from a copy"
    try:
        body = json.loads(text)
        as_sealed = canonical(body).encode() == text
        digest, at, claimed = body.pop("digest"), body["at"], body["previous"]
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise LedgerBroken(
            f"{name}: line {number} is not a sealed record ({error})", fix
        ) from error
    if not as_sealed or digest_of(body) != digest:
        raise LedgerBroken(f"{name}: line {number} does not match its digest", fix)
    if claimed != previous:
        raise LedgerBroken(f"{name}: line {number} does not follow from the line before", fix)
    try:
        record = _ANY.validate_python(
            {k: v for k, v in body.items() if k not in ("at", "previous")}
        )
    except ValidationError as error:
        raise LedgerBroken(
            f"{name}: line {number} is not a known record: {error.errors()[0]['msg']}", fix
        ) from error
    return Sealed(number, at, claimed, digest, record)


def _drop_torn_tail(path: Path) -> None:
    """Cut what follows the last newline: a crash while appending leaves at most that."""
    if not path.exists():
        return
    data = path.read_bytes()
    if data and not data.endswith(b"\n"):
        with path.open("r+b") as file:
            file.truncate(data.rfind(b"\n") + 1)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
