"""Inside a sandbox: imports a module once, then gives every trusted job a fork of its own.

Speaks to `sandbox.backends.zygote` over the socket on its standard input. One request is one JSON
message with descriptors: the job's channel, its stdout and stderr, then its input files. The cell
that answers it has its own user, mount, process, network and ipc namespaces and its own size-capped
folders; the job in it has no capability left, the same resource limits and the same seccomp filter
as any other job.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from sandbox import kernel

MESSAGE_BYTES = 1 << 20
MOST_DESCRIPTORS = 250


def main() -> None:
    """Serve until the harness hangs up."""
    control = socket.socket(fileno=os.dup(0))
    control.send(b"r\n")
    hello = json.loads(control.recv(MESSAGE_BYTES))
    _silence_stdin()
    function = _preload(hello["function"])
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    kernel.gather_memory()
    control.send(json.dumps({"refused": _rehearse()}).encode())
    while True:
        message, descriptors = _receive(control)
        if not message:
            return
        if os.fork() == 0:
            control.close()
            _open_cell(json.loads(message), descriptors, function)
        for descriptor in descriptors:
            os.close(descriptor)


def _preload(name: str) -> Callable[[Path, Path], int | None]:
    """Import the module of "module:function" and let it import what it needs later."""
    module_name, _, function_name = name.partition(":")
    module = importlib.import_module(module_name)
    preload = getattr(module, "preload", None)
    if preload is not None:
        preload()
    function: Callable[[Path, Path], int | None] = getattr(module, function_name)
    return function


def _rehearse() -> str:
    """Why cells cannot be made here; empty when they can."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            kernel.enter_namespaces()
            if os.fork() == 0:
                kernel.mount("tmpfs", "/tmp", "tmpfs", "size=4096")  # noqa: S108
                kernel.mount("proc", "/proc", "proc", "")
                os.write(writing, b"+")
        except OSError as error:
            os.write(writing, f"-{error}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as told:
        said = told.read()
    return "" if said == b"+" else said[1:].decode() or "a cell could not be made"


def _receive(control: socket.socket) -> tuple[bytes, list[int]]:
    message, descriptors, _, _ = socket.recv_fds(
        control, MESSAGE_BYTES, MOST_DESCRIPTORS, socket.MSG_CMSG_CLOEXEC
    )
    return message, descriptors


def _open_cell(
    request: dict[str, Any], descriptors: list[int], function: Callable[[Path, Path], int | None]
) -> NoReturn:
    """In the fork: enter new namespaces and leave the rest to their first process."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    channel = socket.socket(fileno=descriptors[0])
    code = 1
    try:
        kernel.enter_namespaces()
        if os.fork() == 0:
            _furnish(request, descriptors[3:])
            _attend(channel, request, descriptors, function)
        code = 0
    except OSError as error:
        channel.sendall(f"e {error}\n".encode()[:200])
    finally:
        os._exit(code)


def _furnish(request: dict[str, Any], files: list[int]) -> None:
    """Mount the cell's own folders and put the inputs in place, then make them read-only."""
    kernel.mount("proc", "/proc", "proc", "")
    for path, options in request["folders"].items():
        kernel.cover(path, options, (sys.base_prefix, sys.prefix))  # some imports come late
    inputs = Path(request["inputs"])
    for name, descriptor in zip(request["files"], files, strict=True):
        target = inputs / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(descriptor, "rb", buffering=0) as source, target.open("wb") as copy:
            while chunk := source.read(1 << 20):
                copy.write(chunk)
    kernel.remount_read_only(str(inputs))


def _attend(
    channel: socket.socket,
    request: dict[str, Any],
    descriptors: list[int],
    function: Callable[[Path, Path], int | None],
) -> NoReturn:
    """First process of the cell: start the job at the word, report its exit code, be killed."""
    channel.sendall(b"r\n")
    if channel.recv(2) != b"g\n":
        os._exit(125)
    job = os.fork()
    if job == 0:
        channel.close()
        _run(request, descriptors[1], descriptors[2], function)
    os.close(descriptors[1])
    os.close(descriptors[2])
    while True:
        pid, status = os.wait()
        if pid == job:
            break
    code = os.waitstatus_to_exitcode(status)
    channel.sendall(f"x {code if code >= 0 else 128 - code}\n".encode())
    channel.recv(1)
    os._exit(0)


def _run(
    request: dict[str, Any], stdout: int, stderr: int, function: Callable[[Path, Path], int | None]
) -> NoReturn:
    """The job: give up everything, then call the function."""
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    os.closerange(3, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    os.chdir(request["work"])
    for name, (soft, hard) in request["limits"].items():
        resource.setrlimit(getattr(resource, name), (soft, hard))
    kernel.drop_everything(bytes.fromhex(request["seccomp"]))
    code: int | None = None
    try:
        code = function(Path(request["inputs"]), Path(request["work"]))
    finally:  # nothing unwinds past here, into what the fork still holds of the server
        _leave(sys.exception() or SystemExit(code))


def _leave(error: BaseException) -> NoReturn:
    """End this process as Python ends one in which `error` was raised, without its exit handlers.

    An interrupt, which only the job could have sent itself, counts as an error like others.
    """
    code = 1
    if not isinstance(error, SystemExit):
        traceback.print_exception(error)
    elif error.code is None or isinstance(error.code, int):
        code = error.code or 0
    else:
        sys.stderr.write(f"{error.code}\n")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code & 0xFF)


def _silence_stdin() -> None:
    nothing = os.open("/dev/null", os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


if __name__ == "__main__":
    main()
