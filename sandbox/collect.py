"""Read back what a job left, as hostile data.

The workspace is reached through one directory descriptor, opened while the sandbox lived and used
only after its last process is dead. No link is ever followed, nothing is unpickled, and nothing is
read twice.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import uuid
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from pydantic import JsonValue

from sandbox.errors import OutputRejected
from sandbox.hostile_json import parse_json
from sandbox.outcome import Output
from sandbox.paths import OWN_NAMES
from sandbox.policy import Policy

NAME_BYTES = 200
FIX = "an output is a plain file of its own, inside the limits of the policy"


def collect(
    work: int, policy: Policy, folder: Path
) -> tuple[Mapping[str, Output], Mapping[str, str]]:
    """Copy the allowed outputs from the workspace `work` (a directory descriptor) into `folder`.

    Returns the outputs and, for each that was refused, the reason. An output that is not there is
    in neither. Plain names come last, so that `result.json` appears only when all that it speaks of
    is there.
    """
    outputs: dict[str, Output] = {}
    rejected: dict[str, str] = {}
    left_bytes = policy.disk_bytes
    for pattern in sorted(policy.outputs, key=lambda name: ("*" not in name, name)):
        try:
            names = list(_matching(work, pattern, policy.inodes))
        except OutputRejected as refusal:
            rejected[pattern] = refusal.what
            continue
        for name in names:
            try:
                outputs[name] = _take(work, name, folder, min(policy.file_bytes, left_bytes))
                left_bytes -= outputs[name].bytes
            except FileNotFoundError:
                continue
            except OutputRejected as refusal:
                rejected[printable(name)] = refusal.what
    return outputs, rejected


def printable(name: str) -> str:
    """The name as people may safely see it on a terminal."""
    return name.encode("unicode_escape", "backslashreplace").decode("ascii")[:NAME_BYTES]


def longest_file(work: int, most: int = 1000) -> int:
    """Bytes of the longest file among the first `most` entries of a folder, links not followed."""
    longest = 0
    with contextlib.suppress(OSError), os.scandir(work) as entries:
        for _, entry in zip(range(most), entries, strict=False):
            with contextlib.suppress(OSError):
                longest = max(longest, entry.stat(follow_symlinks=False).st_size)
    return longest


def _matching(work: int, pattern: str, most: int) -> Iterator[str]:
    """Names that a pattern of the policy stands for: itself, or the entries of one folder."""
    parent, _, last = pattern.rpartition("/")
    if "*" not in last:
        yield pattern
        return
    try:
        folder = _open_folder(work, parent)
    except FileNotFoundError:
        return
    try:
        with os.scandir(folder) as entries:
            for count, entry in enumerate(entries):
                if count >= most:
                    raise OutputRejected(f"{pattern}: more than {most} entries", FIX)
                if fnmatchcase(entry.name, last):
                    yield f"{parent}/{entry.name}" if parent else entry.name
    finally:
        os.close(folder)


def _take(work: int, name: str, folder: Path, most_bytes: int) -> Output:
    """Copy one output.

    Raises FileNotFoundError when it is not there, OutputRejected when it is not plain.
    """
    _check_name(name)
    parent, _, last = name.rpartition("/")
    parent_descriptor = _open_folder(work, parent)
    try:
        source = _open_plain(parent_descriptor, last, name, most_bytes)
    finally:
        os.close(parent_descriptor)
    try:
        return _copy(source, folder / name, name, most_bytes)
    finally:
        os.close(source)


def _check_name(name: str) -> None:
    if name in OWN_NAMES:
        raise OutputRejected(f"{name} is a name that the sandbox itself writes to", FIX)
    for part in name.split("/"):
        if part in ("", ".", "..") or part.startswith("-") or not part.isprintable():
            raise OutputRejected(f"{printable(name)!r} is not a name that an output may have", FIX)
        if len(part.encode("utf-8", "surrogateescape")) > NAME_BYTES:
            raise OutputRejected(f"{printable(name)}… is too long a name", FIX)


def _open_folder(work: int, path: str) -> int:
    """A descriptor of a folder below `work`, every component opened without following links."""
    here = os.dup(work)
    for part in filter(None, path.split("/")):
        try:
            below = os.open(
                part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here
            )
        except FileNotFoundError:
            raise
        except OSError as error:
            raise OutputRejected(
                f"{printable(path)} is not a plain folder ({error.strerror})", FIX
            ) from error
        finally:
            os.close(here)
        here = below
    return here


def _open_plain(parent: int, last: str, name: str, most_bytes: int) -> int:
    """A descriptor of a regular file with one link and a sane size."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    try:
        status = os.stat(last, dir_fd=parent, follow_symlinks=False)
        _check_plain(status, name, most_bytes)
        source = os.open(last, flags, dir_fd=parent)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise OutputRejected(f"{printable(name)} cannot be read ({error.strerror})", FIX) from error
    try:
        _check_plain(os.fstat(source), name, most_bytes)
    except OutputRejected:
        os.close(source)
        raise
    return source


def _check_plain(status: os.stat_result, name: str, most_bytes: int) -> None:
    if stat.S_ISLNK(status.st_mode):
        raise OutputRejected(f"{printable(name)} is a symbolic link", FIX)
    if not stat.S_ISREG(status.st_mode):
        raise OutputRejected(f"{printable(name)} is not a regular file", FIX)
    if status.st_nlink != 1:
        raise OutputRejected(f"{printable(name)} has {status.st_nlink} links", FIX)
    if status.st_size > most_bytes:
        raise OutputRejected(
            f"{printable(name)} has {status.st_size} bytes; {most_bytes} are allowed", FIX
        )


def _copy(source: int, target: Path, name: str, most_bytes: int) -> Output:
    """Copy at most `most_bytes`, hashed on the way, and put the copy in place by rename."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.parent / f".{uuid.uuid4().hex}.part"
    digest, size = hashlib.sha256(), 0
    try:
        with draft.open("xb") as copy:
            while chunk := os.read(source, 1 << 20):
                size += len(chunk)
                if size > most_bytes:
                    raise OutputRejected(f"{printable(name)} grew while it was read", FIX)
                digest.update(chunk)
                copy.write(chunk)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return Output(path=target, bytes=size, digest=digest.hexdigest())


def read_plain(path: Path, max_bytes: int) -> bytes:
    """The bytes of a regular file with one link. Raises OutputRejected."""
    try:
        source = _open_plain_at(path, max_bytes)
    except FileNotFoundError as error:
        raise OutputRejected(
            f"{path.name} is missing", "the job must leave it in its workspace"
        ) from error
    with os.fdopen(source, "rb") as file:
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise OutputRejected(f"{path.name} has more than {max_bytes} bytes", FIX)
    return data


def _open_plain_at(path: Path, max_bytes: int) -> int:
    parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return _open_plain(parent, path.name, path.name, max_bytes)
    finally:
        os.close(parent)


def read_json(path: Path, max_bytes: int = 1 << 20, max_depth: int = 32) -> JsonValue:
    """The JSON value in a collected file.

    Raises OutputRejected for anything huge, deep, ambiguous or not a number.
    """
    return parse_json(read_plain(path, max_bytes), path.name, max_depth)
