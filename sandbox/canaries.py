"""Real attempts to break out, run inside a sandbox, and what the harness concludes from them.

The part that runs inside writes `result.json`: name -> true when the attempt was refused. Limits
are found enforced when a job that goes over one is ended and the verdict names that limit.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import socket
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from sandbox.backend import Backend
from sandbox.canary import PIDS
from sandbox.collect import read_json
from sandbox.errors import SandboxUnavailable
from sandbox.job import Job
from sandbox.outcome import Limit
from sandbox.policy import MIB, Policy
from sandbox.scratch import scratch

INSIDE = (
    "network_denied", "filesystem_readonly", "home_hidden", "environment_empty", "uid_unprivileged",
    "seccomp",
    "processes_hidden", "file_limit",
)  # fmt: skip
OVER: Mapping[Limit, str] = {
    "memory": "held = bytearray(400 << 20); time.sleep(20)",
    "disk": "open('fill', 'wb').write(bytes(32 << 20)); time.sleep(20)",
    "inodes": "[open(str(i), 'w').close() for i in range(20000)]; time.sleep(20)",
    "processes": "[os.fork() or (time.sleep(20), os._exit(0)) for _ in range(40)]; time.sleep(20)",
    "wall": "time.sleep(20)",
    "cpu": "exec('while True: pass')",
    "log": "exec('while True: print(0)')",
}
DAEMON = (
    "import os, time; os.fork() and os._exit(0); os.setsid(); os.fork() and os._exit(0); "
    "time.sleep(20)"
)
WARM = "sandbox.canary:main"
SMALL = Policy(
    wall_s=60.0, cpu_s=10.0, memory_bytes=256 * MIB, processes=16, disk_bytes=16 * MIB, inodes=500,
    file_bytes=32 * MIB, log_bytes=64 * 1024,
)  # fmt: skip
TIGHT: Mapping[Limit, Policy] = {
    "wall": Policy(wall_s=0.3),
    "cpu": Policy(wall_s=60.0, cpu_s=0.3),
}


def try_out(backend: Backend) -> dict[str, bool]:
    """Capability -> enforced, for every canary, in fresh sandboxes and in a warm one.

    Raises SandboxUnavailable when no job can be run at all.
    """
    with scratch("probe") as folder, ThreadPoolExecutor(3) as pool:
        found = _inside(backend, folder / "fresh", "")
        warm = _inside(backend, folder / "warm", WARM)
        found = {name: held and warm[name] for name, held in found.items()}
        limits = {
            f"{limit}_limit": pool.submit(_ends, backend, limit, folder / limit) for limit in OVER
        }
        daemon = pool.submit(_dies_whole, backend, folder / "daemon")
        found.update({name: held.result() for name, held in limits.items()})
        found["tree_killed"] = daemon.result()
    return found


def _inside(backend: Backend, folder: Path, warm: str) -> dict[str, bool]:
    """Run the attempts of `sandbox.canary` against things of the harness that are really there."""
    folder.mkdir(parents=True)
    secret = folder / f"secret-{secrets.token_hex(8)}"
    secret.write_text("outside", encoding="utf-8")
    call = folder / "call.json"
    with _listener() as (port, address):
        outside = {
            "port": port,
            "address": address,
            "secret": str(secret),
            "namespace": str(PIDS.readlink()),
        }
        call.write_text(json.dumps(outside), encoding="utf-8")
        job = Job(
            "probe",
            ("python", "-P", "-m", "sandbox.canary", "{inputs}", "{work}"),
            folder / "job",
            inputs={"call.json": call},
            policy=replace(SMALL, trust="builtin" if warm else "untrusted"),
            warm=warm,
        )
        outcome = backend.run(job, threading.Event())
    if "result.json" not in outcome.outputs:
        raise SandboxUnavailable(
            f"the canary could not run: {outcome.reason}; {outcome.stderr_tail[-500:]}",
            "run `hanji doctor`",
        )
    told = read_json(outcome.outputs["result.json"].path)
    return {name: isinstance(told, dict) and told.get(name) is True for name in INSIDE}


@contextlib.contextmanager
def _listener() -> Iterator[tuple[int, str]]:
    """A loopback port and an abstract unix address that would answer if they were reached."""
    address = f"hanji-{secrets.token_hex(8)}"
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as unix:
        unix.bind(f"\0{address}")
        unix.listen()
        yield tcp.getsockname()[1], address


def _ends(backend: Backend, limit: Limit, folder: Path) -> bool:
    """A job that goes over `limit` is ended, and the verdict says so."""
    program = f"import os, time; {OVER[limit]}"
    command = ("python", "-I", "-S", "-c", program)
    outcome = backend.run(
        Job(limit, command, folder, policy=TIGHT.get(limit, SMALL)), threading.Event()
    )
    return outcome.verdict != "ok" and outcome.limit == limit


def _dies_whole(backend: Backend, folder: Path) -> bool:
    """A daemon that really started and left its session is dead when the job is over."""
    mark = secrets.token_hex(16)
    command = ("python", "-I", "-S", "-c", DAEMON, mark)
    outcome = backend.run(Job("daemon", command, folder, policy=SMALL), threading.Event())
    return outcome.verdict == "ok" and not any(mark in text for text in _command_lines())


def _command_lines() -> Iterator[str]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            yield path.read_text(encoding="utf-8", errors="replace")
