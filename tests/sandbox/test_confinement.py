"""Attempts to reach what is outside, and controls that show they work without confinement."""

from __future__ import annotations

import secrets
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.backend import Backend
from sandbox.collect import read_json
from sandbox.outcome import Outcome
from tests.sandbox.conftest import Attempt


@dataclass(frozen=True)
class Outside:
    """Things of the harness that a job must not reach."""

    secret: Path
    folder: Path
    port: int
    abstract: str
    address: Path
    victim: int
    mark: str

    def fill(self, script: str) -> str:
        head = "import json, os, socket, ctypes, mmap, pathlib\nworked = False\ntry:\n    "
        tail = "\nexcept (OSError, ValueError):\n    pass\n"
        report = "pathlib.Path('result.json').write_text(json.dumps({'worked': bool(worked)}))\n"
        for name, value in vars(self).items():
            script = script.replace(f"<{name}>", str(value))
        return head + script.replace("\n", "\n    ") + tail + report


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Outside]:
    mark = secrets.token_hex(8)
    secret = tmp_path / "held-out-labels.json"
    secret.write_text("labels")
    secret.chmod(0o600)
    victim = subprocess.Popen(["/bin/sleep", "60"], env={"API_KEY": mark})
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_UNIX) as abstract,
        socket.socket(socket.AF_UNIX) as named,
    ):
        abstract.bind(f"\0{mark}")
        abstract.listen()
        address = tmp_path / "socket"
        named.bind(str(address))
        named.listen()
        port = tcp.getsockname()[1]
        yield Outside(secret, tmp_path, port, mark, address, victim.pid, mark)
    victim.kill()
    victim.wait()


ATTEMPTS = {
    "read a file of the harness": "worked = open('<secret>').read()",
    "write into a folder of the harness": (
        "path = pathlib.Path('<folder>/intruder')\npath.write_text('x')\nworked = True"
    ),
    "reach loopback": "socket.create_connection(('127.0.0.1', <port>), 2).close()\nworked = True",
    "reach an abstract socket": (
        "socket.socket(socket.AF_UNIX).connect('\\x00<abstract>')\nworked = True"
    ),
    "reach a named socket": "socket.socket(socket.AF_UNIX).connect('<address>')\nworked = True",
    "signal a process outside": "os.kill(<victim>, 0)\nworked = True",
    "find a key in an environment": (
        "for path in pathlib.Path('/proc').glob('[0-9]*/environ'):\n"
        "    try:\n        worked = worked or b'<mark>' in path.read_bytes()\n"
        "    except OSError:\n        pass"
    ),
    "hide memory in a memfd": "os.close(os.memfd_create('x'))\nworked = True",
    "hide memory in System V": (
        "libc = ctypes.CDLL(None)\nnumber = libc.shmget(0, 4096, 0o600)\nworked = number >= 0\n"
        "libc.shmctl(number, 0, None)"
    ),
    "open a netlink socket": "socket.socket(16, socket.SOCK_RAW).close()\nworked = True",
}
NO_CONTROL = {  # what an ordinary person's process may not do either, or what would do harm
    "read the shadow file": "worked = open('/etc/shadow').read()",
    "write to the system": "open('/usr/hanji-intruder', 'w')\nworked = True",
    "write to the root folder": "open('/hanji-intruder', 'w')\nworked = True",
    "write to devices": "open('/dev/hanji-intruder', 'w')\nworked = True",
    "write to the kernel's settings": "open('/proc/sys/kernel/core_pattern', 'r+')\nworked = True",
    "write into the environment of Python": (
        "import sysconfig\nopen(sysconfig.get_path('purelib') + '/intruder.pth', 'w')\nworked = 1"
    ),
    "write into Hanji's own code": (
        "import sandbox\nopen(sandbox.__path__[0] + '/intruder.py', 'w')\nworked = True"
    ),
    "write to the inputs": ("import sys\nopen('/job/inputs/script.py', 'a')\nworked = True"),
    "look into the first process": "worked = open('/proc/1/environ').read() != ''",
    "gain by writing to the first process": (  # whoever can gets no more than it has
        "open('/proc/1/mem', 'r+b').close()\n"
        "own, first = (open(f'/proc/{pid}/status').read() for pid in ('self', 1))\n"
        "names = ('CapEff', 'CapPrm', 'NoNewPrivs', 'Seccomp')\n"
        "pick = lambda text: [x for x in text.splitlines() if x.startswith(names)]\n"
        "limits = [x for x in open('/proc/1/limits').readlines() if 'file size' in x]\n"
        "worked = pick(own) != pick(first) or 'unlimited' in limits[0]"
    ),
    "become root": "os.setuid(0)\nworked = True",
    "make a user namespace": "worked = ctypes.CDLL(None).unshare(0x10000000) == 0",
    "trace": "worked = ctypes.CDLL(None).ptrace(0, 0, 0, 0) == 0",
    "mount": "worked = ctypes.CDLL(None).mount(b'x', b'/tmp', b'tmpfs', 0, b'') == 0",
    "open a raw socket": "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)\nworked = True",
    "open a vsock": "socket.socket(40, socket.SOCK_STREAM)\nworked = True",
    "raise its own limits": (
        "import resource\nresource.setrlimit(resource.RLIMIT_NPROC, (4096, 4096))\nworked = True"
    ),
    "push keys into a terminal": (
        "import fcntl\nleader, follower = os.openpty()\nfcntl.ioctl(follower, 0x5412, b'x')\n"
        "worked = True"
    ),
    "resolve a name": "socket.getaddrinfo('example.org', 80)\nworked = True",
}


def worked(outcome: Outcome) -> bool:
    assert outcome.verdict == "ok", (outcome.reason, outcome.stderr_tail)
    value = read_json(outcome.outputs["result.json"].path)
    assert isinstance(value, dict)
    return value["worked"] is True


@pytest.mark.parametrize("name", [*ATTEMPTS, *NO_CONTROL])
def test_a_confined_job_cannot(name: str, confined: Attempt, outside: Outside) -> None:
    script = outside.fill({**ATTEMPTS, **NO_CONTROL}[name])
    assert not worked(confined(script))
    assert not (outside.folder / "intruder").exists()


@pytest.mark.parametrize("name", ATTEMPTS)
def test_an_unconfined_job_can(name: str, unconfined: Attempt, outside: Outside) -> None:
    outcome = unconfined(outside.fill(ATTEMPTS[name]))
    assert worked(outcome)
    assert outcome.isolation == "unconfined"


def test_the_probe_finds_every_limit_enforced(bubblewrap: Backend) -> None:
    found = bubblewrap.probe()
    assert found.confined, found.enforced
    assert found.warm, found.notes
    assert found.level == "bubblewrap"


def test_the_process_backend_promises_nothing(process: Backend) -> None:
    found = process.probe()
    assert not found.confined
    assert not any(found.enforced.values())
    assert found.level == "unconfined"
