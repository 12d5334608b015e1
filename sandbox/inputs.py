"""The inputs of a job as plain files: links, of which a model hub's cache is full, are resolved."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import SandboxError

MOST_FILES = 20_000


@dataclass(frozen=True)
class InputFile:
    """A file of the host and its name below `{inputs}`."""

    name: str
    path: Path
    bytes: int
    readable: bool


def input_files(inputs: Mapping[str, Path]) -> list[InputFile]:
    """Every file of the inputs.

    Raises SandboxError when one is missing or its name leads elsewhere.
    """
    files = [file for name, path in sorted(inputs.items()) for file in _below(_checked(name), path)]
    if len(files) > MOST_FILES:
        raise SandboxError(f"the inputs hold more than {MOST_FILES} files", "give fewer files")
    return files


def bindings(inputs: Mapping[str, Path], stage: Path, others: bool) -> list[tuple[str, Path]]:
    """(name below `{inputs}`, path of the host) to bind read-only.

    A folder is bound whole unless it holds links; then file by file. When the job runs as another
    user (`others`), what that user could not read is copied into the folder `stage` first.
    """
    bound: list[tuple[str, Path]] = []
    for name, path in sorted(inputs.items()):
        files = input_files({name: path})
        if all(file.readable or not others for file in files) and _plain(path, others):
            bound.append((name, path.resolve()))
            continue
        for file in files:
            bound.append(
                (file.name, _staged(file, stage) if others and not file.readable else file.path)
            )
    return bound


def _checked(name: str) -> str:
    if not name or any(part in ("", ".", "..") for part in name.split("/")):
        raise SandboxError(f"{name!r} cannot be the name of an input", "use a plain relative name")
    return name


def _below(name: str, path: Path) -> Iterator[InputFile]:
    try:
        status = path.stat()
    except OSError as error:
        raise SandboxError(
            f"input {name} cannot be read: {path} ({error.strerror})",
            "check that the file is there",
        ) from error
    if stat.S_ISDIR(status.st_mode):
        for entry in sorted(path.iterdir()):
            yield from _below(f"{name}/{entry.name}", entry)
    elif stat.S_ISREG(status.st_mode):
        yield InputFile(name, path.resolve(), status.st_size, bool(status.st_mode & stat.S_IROTH))
    else:
        raise SandboxError(f"input {name} is neither file nor folder", "give plain files")


def _plain(path: Path, others: bool) -> bool:
    """No link below, and (for another user) every folder may be entered."""
    if path.is_file():
        return True
    for folder, folders, files in os.walk(path):
        here = Path(folder)
        if others and not _enterable(here):
            return False
        if any((here / entry).is_symlink() for entry in (*folders, *files)):
            return False
    return True


def _enterable(folder: Path) -> bool:
    wanted = stat.S_IROTH | stat.S_IXOTH
    return folder.stat().st_mode & wanted == wanted


def _staged(file: InputFile, stage: Path) -> Path:
    copy = stage / file.name
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file.path, copy)
    copy.chmod(0o444)
    return copy
