"""One digest for a folder of files, such as a checkpoint."""

from __future__ import annotations

import hashlib
from pathlib import Path

from sandbox.errors import BadInput
from sandbox.records import digest_of

_CHUNK = 1 << 20


def folder_digest(path: Path) -> str:
    """SHA-256 over names and contents of all files below `path`, or of one file.

    Raises BadInput when there is nothing at `path`.
    """
    if path.is_file():
        return file_digest(path)
    if not path.is_dir():
        raise BadInput(f"{path} does not exist", "give the folder of a checkpoint")
    files = sorted(p for p in path.rglob("*") if p.is_file())
    return digest_of({p.relative_to(path).as_posix(): file_digest(p) for p in files})


def file_digest(path: Path) -> str:
    """SHA-256 of one file, in hex."""
    seal = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            seal.update(chunk)
    return seal.hexdigest()
