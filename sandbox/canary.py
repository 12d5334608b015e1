"""Runs inside a sandbox: tries what must be refused and writes what was.

`python -m sandbox.canary INPUTS WORK`, or warm as `sandbox.canary:main`.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import resource
import socket
import sys
from collections.abc import Callable
from pathlib import Path

CLONE_NEWUSER, PTRACE_TRACEME, IPC_PRIVATE = 0x10000000, 0, 0
CAPABILITY_VERSION_3, PR_GET_NO_NEW_PRIVS = 0x20080522, 39
PR_CAP_AMBIENT, CAP_AMBIENT_IS_SET = 47, 1
CALLS = {  # keyctl, bpf, userfaultfd, io_uring_setup, process_vm_readv
    "x86_64": (250, 321, 323, 425, 310),
    "aarch64": (219, 280, 282, 425, 270),
}
FAMILIES = (16, 17, 38, 40)  # netlink, packet, alg, vsock
ENVIRONMENT = {
    "PATH", "HOME", "TMPDIR", "USER", "LOGNAME", "LANG", "LC_CTYPE", "PWD", "OLDPWD", "SHLVL", "_",
}  # fmt: skip
PIDS = Path("/proc/self/ns/pid")
PREFIXES = ("PYTHON", "OMP_", "MKL_", "OPENBLAS_", "TOKENIZERS_", "HF_HUB_")
_libc = ctypes.CDLL(None, use_errno=True)


def main(inputs: Path, work: Path) -> int:
    """Try everything against what `call.json` says is outside; write `result.json`."""
    call = json.loads((inputs / "call.json").read_text(encoding="utf-8"))
    port, address, secret = int(call["port"]), str(call["address"]), Path(call["secret"])
    found = {
        "network_denied": refused(_connect_tcp(port)) and refused(_connect_unix(f"\0{address}")),
        "filesystem_readonly": all(refused(_write(path)) for path in _places()),
        "home_hidden": all(refused(path.read_bytes) for path in (secret, Path("/etc/shadow"))),
        "environment_empty": _environment_is_empty(),
        "uid_unprivileged": _is_unprivileged(),
        "seccomp": _calls_are_denied(),
        "processes_hidden": _processes_are_hidden(str(call["namespace"])),
        "file_limit": _file_is_bounded(work / "long"),
    }
    (work / "result.json").write_text(json.dumps(found), encoding="utf-8")
    return 0


def script(inputs: Path, work: Path) -> int:
    """Run `script.py` of the inputs: how a test puts an attempt of its own into a warm cell."""
    del work
    path = inputs / "script.py"
    code = compile(path.read_text(encoding="utf-8"), str(path), "exec")
    exec(code, {"__name__": "__main__"})  # noqa: S102 - the payload, inside the sandbox
    return 0


def refused(attempt: Callable[[], object]) -> bool:
    """True when the system says no."""
    try:
        attempt()
    except OSError:
        return True
    return False


def _connect_tcp(port: int) -> Callable[[], object]:
    return lambda: socket.create_connection(("127.0.0.1", port), timeout=1).close()


def _connect_unix(address: str) -> Callable[[], object]:
    def attempt() -> None:
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(address)

    return attempt


def _places() -> list[Path]:
    places = ["/", "/usr", "/etc", "/dev", "/job", "/proc/sys/kernel", sys.prefix, sys.base_prefix]
    return [Path(place) for place in places] + [Path(__file__).parent]


def _write(folder: Path) -> Callable[[], object]:
    """Write where it would matter; what succeeds is taken away again."""

    def attempt() -> None:
        if folder == Path("/proc/sys/kernel"):
            (folder / "core_pattern").open("r+b").close()
            return
        mark = folder / f".hanji-canary-{os.getpid()}"
        mark.touch()
        mark.unlink()

    return attempt


def _environment_is_empty() -> bool:
    named = all(name in ENVIRONMENT or name.startswith(PREFIXES) for name in os.environ)
    try:
        return named and Path("/proc/1/environ").read_bytes() == b""
    except PermissionError:
        return named


def _processes_are_hidden(outside: str) -> bool:
    """The process namespace is not the harness's, and /proc is that namespace's own."""
    own = Path("/proc/self").readlink() == Path(str(os.getpid()))
    return own and str(PIDS.readlink()) != outside


def _is_unprivileged() -> bool:
    """No id is root's, no capability, no way to gain one; the harness checks the uid outside.

    Under no_new_privs no program brings a capability, whatever the bounding set would let through.
    """
    held = (ctypes.c_uint32 * 6)()
    asked = _libc.capget((ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0), held)
    kept = (_libc.prctl(PR_CAP_AMBIENT, CAP_AMBIENT_IS_SET, at, 0, 0) for at in range(41))
    return (
        0 not in (*os.getresuid(), *os.getresgid(), *os.getgroups())
        and asked == 0
        and not any(held)
        and not any(one > 0 for one in kept)
        and _libc.prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1
    )


def _file_is_bounded(path: Path) -> bool:
    """A sparse file of a TiB is refused."""

    def attempt() -> None:
        with path.open("wb") as file:
            file.truncate(1 << 40)

    limited = resource.getrlimit(resource.RLIMIT_FSIZE)[0] != resource.RLIM_INFINITY
    return refused(attempt) and limited


def _calls_are_denied() -> bool:
    results = [
        _libc.unshare(CLONE_NEWUSER),
        _libc.ptrace(PTRACE_TRACEME, 0, 0, 0),
        _libc.shmget(IPC_PRIVATE, 4096, 0o600),
        _libc.mount(b"tmpfs", b"/tmp", b"tmpfs", 0, b""),
        *(_libc.syscall(number, 0, 0, 0, 0, 0, 0) for number in CALLS.get(platform.machine(), ())),
    ]
    sockets = [refused(_socket(family)) for family in FAMILIES]
    return all(result == -1 for result in results) and all(sockets) and refused(_memfd)


def _socket(family: int) -> Callable[[], object]:
    return lambda: socket.socket(family, socket.SOCK_DGRAM).close()


def _memfd() -> None:
    os.close(os.memfd_create("canary"))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
