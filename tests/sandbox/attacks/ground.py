"""What stands outside of a sandbox while it is attacked, and how it tells that it was touched."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import signal
import socket
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyseccomp

import sandbox

SYSTEM_PLACES = ("/", "/usr", "/etc", "/dev")
CODE = Path(sandbox.__path__[0])
PYTHON = Path(sysconfig.get_path("purelib"))
INTRUDER = "hanji-intruder"


class Ground:
    """Things of the harness that a job must not reach.

    mark: in names, and known to the payload. treasure: only in what must not be read. `touched`
    looks at every canary.
    """

    def __init__(self, folder: Path, held: contextlib.ExitStack) -> None:
        self.folder, self.mark, self.treasure = folder, secrets.token_hex(8), secrets.token_hex(16)
        self.left = folder / "not run yet"  # the job's folder, once it is known
        self.secret = self._file("data/held-out-labels.json")
        self.cache = self._file("home/.cache/hanji/labels.json")
        self.keys = self._file("home/.ssh/id_ed25519")
        self.earlier = self._file("runs/earlier/trials/t1/result.json")
        self.system = " ".join(SYSTEM_PLACES)
        self.code, self.python = CODE, PYTHON
        self.tcp = held.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.udp = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.udp.bind(("127.0.0.1", 0))
        self.port, self.udp_port = self.tcp.getsockname()[1], self.udp.getsockname()[1]
        self.address = folder / "socket"
        self.abstract = held.enter_context(socket.socket(socket.AF_UNIX))
        self.abstract.bind(f"\0{self.mark}")
        self.named = held.enter_context(socket.socket(socket.AF_UNIX))
        self.named.bind(str(self.address))
        for one in (self.abstract, self.named):
            one.listen()
        for one in (self.tcp, self.udp, self.abstract, self.named):
            one.setblocking(False)
        self._process = self._start_victim(held)
        self.victim = self._process.pid
        self.stack = _end_of_stack(self.victim) - 4096  # where its environment stands
        held.callback(self._sweep)

    def fill(self, text: str) -> str:
        """The text with `<name>` replaced by what is called so here; `<nr:CALL>` is its number."""
        text = re.sub(r"<nr:(\w+)>", lambda found: str(_number(found[1])), text)
        return re.sub(r"<(\w+)>", lambda found: str(getattr(self, found[1], found[0])), text)

    def touched(self) -> list[str]:
        """Names of the canaries that something touched."""
        tests = {
            "the network listener": self._heard(self.tcp),
            "the datagram listener": self._received(),
            "the abstract socket": self._heard(self.abstract),
            "the named socket": self._heard(self.named),
            "the victim": not self._victim_is_well(),
            "the earlier result": self.earlier.read_text() != self.treasure,
            "a folder of the harness": any(self.folder.glob(f"{INTRUDER}*")),
            "the system": any((Path(p) / self._name).exists() for p in SYSTEM_PLACES),
            "Python's environment": any(PYTHON.glob(f"*{self.mark}*")),
            "Hanji's code": any(CODE.rglob(f"*{self.mark}*")),
        }
        return [name for name, hit in tests.items() if hit]

    @property
    def _name(self) -> str:
        return f"{INTRUDER}-{self.mark}"

    def _file(self, name: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True)
        path.write_text(self.treasure)
        path.chmod(0o600)
        return path

    def _start_victim(self, held: contextlib.ExitStack) -> subprocess.Popen[bytes]:
        stdin = held.enter_context(self.secret.open("rb"))
        victim = subprocess.Popen(
            ["/bin/sleep", "90"], env={"API_KEY": self.treasure}, stdin=stdin, cwd=self.folder
        )
        held.callback(victim.wait)
        held.callback(victim.kill)
        return victim

    def _victim_is_well(self) -> bool:
        if self._process.poll() is not None:
            return False
        status = Path(f"/proc/{self.victim}/status").read_text()
        limits = Path(f"/proc/{self.victim}/limits").read_text()
        sleeps = "State:\tS" in status and "TracerPid:\t0" in status
        return sleeps and "Max core file size        7 " not in limits

    @staticmethod
    def _heard(listener: socket.socket) -> bool:
        with contextlib.suppress(BlockingIOError):
            listener.accept()[0].close()
            return True
        return False

    def _received(self) -> bool:
        with contextlib.suppress(BlockingIOError):
            return self.mark.encode() in self.udp.recv(4096)
        return False

    def _sweep(self) -> None:
        """Take away what a control left."""
        for folder in (*map(Path, SYSTEM_PLACES), PYTHON, CODE, CODE / "__pycache__"):
            for path in folder.glob(f"*{self.mark}*"):
                path.unlink()
        for folder in (Path("/dev/shm"), Path(tempfile.gettempdir())):
            for path in folder.glob(f"{self.mark}*"):
                path.unlink()


@contextlib.contextmanager
def ground_in(folder: Path) -> Iterator[Ground]:
    """Set it up in an empty folder, and take it down."""
    with contextlib.ExitStack() as held:
        yield Ground(folder, held)


def marked(mark: str) -> list[int]:
    """Living processes whose command line holds the mark, but for our own."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if mark in path.read_text(errors="replace") and int(path.parent.name) != os.getpid():
                found.append(int(path.parent.name))
    return found


def end(pids: list[int]) -> None:
    """Kill what a control left."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _end_of_stack(pid: int) -> int:
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        if line.endswith("[stack]"):
            return int(line.split()[0].partition("-")[2], 16)
    raise AssertionError("the victim has no stack")


def _number(call: str) -> int:
    number: int = pyseccomp.resolve_syscall(pyseccomp.system_arch(), call)
    return number
