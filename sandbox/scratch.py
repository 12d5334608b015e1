"""Folders for a while: each locked while its maker lives, and swept when its maker was killed."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.guard import REMOVE

PREFIX = "hanji-scratch-"
NAME = re.compile(rf"{PREFIX}[a-z]+-[a-z0-9_]{{8}}")


@dataclass(frozen=True)
class Scratch:
    """A new folder of this person alone.

    lock: a descriptor; while any process has it, nobody else takes the folder away.
    """

    path: Path
    lock: int

    @classmethod
    def make(cls, kind: str, place: Path | None = None) -> Scratch:
        """For one kind of work, in `place` or where the system keeps temporary files.

        What killed makers left there is taken away first.
        """
        where = Path(tempfile.gettempdir()) if place is None else place
        sweep(where)
        while True:
            path = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{kind}-", dir=where))
            with suppress(FileNotFoundError):  # a sweeper took it before it was locked
                return cls(path, _locked(path, fcntl.LOCK_EX))

    def remove(self) -> None:
        """Take all of it away, however deep and whatever its modes. Raises SandboxError."""
        try:
            _remove(self.path)
        finally:
            os.close(self.lock)


@contextmanager
def scratch(kind: str, place: Path | None = None) -> Iterator[Path]:
    """A folder that is there for a block."""
    made = Scratch.make(kind, place)
    try:
        yield made.path
    finally:
        made.remove()


def sweep(place: Path) -> None:
    """Take away what this person's killed programs left in a folder.

    A folder that cannot be taken away stays: it is not the caller's, and is tried again.
    """
    with os.scandir(place) as entries:
        found = [Path(entry.path) for entry in entries if NAME.fullmatch(entry.name)]
    for path in found:
        with suppress(OSError, SandboxError):
            if path.lstat().st_uid != os.geteuid():
                continue
            lock = _locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
            try:
                _remove(path)
            finally:
                os.close(lock)


def _locked(path: Path, how: int) -> int:
    """Raises FileNotFoundError when it is gone by then, BlockingIOError when another holds it."""
    lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, how)
        path.lstat()
    except OSError:
        os.close(lock)
        raise
    return lock


def _remove(path: Path) -> None:
    try:
        shutil.rmtree(path)
    except (OSError, RecursionError):  # modes that a job set, or a depth: the system's own can
        done = subprocess.run([*REMOVE, str(path)], capture_output=True, text=True, check=False)
        if done.returncode:
            said = "".join(done.stderr.strip().splitlines()[-1:])
            raise SandboxError(f"{path} was not removed: {said}", "remove it by hand") from None
