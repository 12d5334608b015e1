"""Jobs that take too much: each is ended, nothing survives, and the verdict names the limit."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.backend import Backend
from sandbox.exec import execute
from sandbox.policy import MIB, Policy
from tests.sandbox.conftest import SMALL, Attempt

ENDLESS = {
    "memory of one process": ("memory", "held = bytearray(400 << 20)\nwhile True: pass"),
    "memory of eight processes": (
        "memory",
        "import os, time\n"
        "for _ in range(7):\n    if os.fork() == 0: break\n"
        "held = bytearray(50 << 20)\ntime.sleep(30)",
    ),
    "memory that only a dead process touched": (
        "memory",
        "import mmap, os, time\nheld = mmap.mmap(-1, 400 << 20)\n"
        "for part in range(4):\n"
        "    if os.fork() == 0:\n"
        "        for at in range(part * 100 << 20, (part + 1) * 100 << 20, 4096): held[at] = 1\n"
        "        os._exit(0)\n"
        "    os.wait()\n"
        "time.sleep(30)",
    ),
    "a full workspace": (
        "disk",
        "import time\nfor name in 'abcd': open(name, 'wb').write(bytes(8 << 20))",
    ),
    "a full workspace in a deleted file": (
        "disk",
        "import os, time\nkept = []\n"
        "for name in 'ab':\n"
        "    kept.append(open(name, 'wb', buffering=0))\n    os.unlink(name)\n"
        "    kept[-1].write(bytes(8 << 20))\n"
        "time.sleep(30)",
    ),
    "full shared memory": (
        "disk",
        "import time\n"
        "for number in range(64):\n"
        "    try: open(f'/dev/shm/{number}', 'wb').write(bytes(1 << 20))\n"
        "    except OSError: pass\n"
        "time.sleep(30)",
    ),
    "countless files": (
        "inodes",
        "import time\n"
        "for number in range(100000):\n"
        "    try: open(str(number), 'w').close()\n"
        "    except OSError: time.sleep(30)",
    ),
    "a fork bomb": (
        "processes",
        "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
    ),
    "threads without end": (
        "processes",
        "import threading, time\nthreading.stack_size(65536)\n"
        "while True:\n"
        "    try: threading.Thread(target=time.sleep, args=(30,)).start()\n"
        "    except RuntimeError: time.sleep(30)",
    ),
    "output without end": ("log", "while True: print('again')"),
    "output without newline": ("log", "import os\nwhile True: os.write(2, b'\\xff' * 9999)"),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_taking_too_much_is_ended_by_the_limit_of_that_name(name: str, confined: Attempt) -> None:
    limit, script = ENDLESS[name]
    outcome = confined(script)
    assert outcome.limit == limit, (outcome.reason, outcome.stderr_tail)
    assert outcome.verdict in ("killed", "failed")
    assert outcome.wall_s < 8


def test_sleeping_past_the_wall_is_killed_even_when_signals_are_ignored(confined: Attempt) -> None:
    script = (
        "import signal, time\n"
        "for one in (signal.SIGTERM, signal.SIGINT): signal.signal(one, signal.SIG_IGN)\n"
        "time.sleep(60)"
    )
    outcome = confined(script, replace(SMALL, wall_s=0.5))
    assert (outcome.verdict, outcome.limit) == ("killed", "wall")
    assert outcome.wall_s < 3


def test_a_busy_loop_is_killed_at_its_cpu_limit(confined: Attempt) -> None:
    outcome = confined("while True: pass", replace(SMALL, cpu_s=0.4))
    assert (outcome.verdict, outcome.limit) == ("killed", "cpu")
    assert 0.3 < outcome.cpu_s < 3


def test_cpu_time_of_finished_children_is_counted(confined: Attempt) -> None:
    script = (
        "import os, time\nif os.fork() == 0:\n"
        "    end = time.process_time() + 0.3\n"
        "    while time.process_time() < end: pass\n"
        "    os._exit(0)\nos.wait()"
    )
    outcome = confined(script)
    assert outcome.verdict == "ok"
    assert outcome.cpu_s >= 0.25


def test_a_sparse_file_of_a_tebibyte_is_refused(confined: Attempt) -> None:
    outcome = confined("open('x', 'wb').truncate(1 << 40)")
    assert outcome.verdict == "failed"
    assert "File too large" in outcome.stderr_tail


def test_a_file_that_grows_too_long_is_named(confined: Attempt) -> None:
    outcome = confined("open('x', 'wb').write(bytes(13 << 20))")
    assert (outcome.verdict, outcome.limit) == ("failed", "file")


def test_a_shell_that_writes_too_long_a_file_is_told_so(bubblewrap: Backend) -> None:
    policy = replace(SMALL, file_bytes=MIB)
    outcome = execute(["dd", "if=/dev/zero", "of=x", "bs=64k", "count=64"], policy, bubblewrap)
    assert (outcome.verdict, outcome.limit) == ("killed", "file")


DAEMON = (
    "import os, time\n"
    "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
    "        os.execv('/bin/sh', ['sh', '-c', 'sleep 20; exit 0', '<mark>'])\n    os._exit(0)\n"
    "time.sleep(0.3)"
)


def test_a_daemon_that_left_its_session_dies_with_its_job(confined: Attempt) -> None:
    mark = secrets.token_hex(16)
    assert confined(DAEMON.replace("<mark>", mark)).verdict == "ok"
    assert survivors(mark) == []


def test_the_same_daemon_outlives_an_unconfined_job(unconfined: Attempt) -> None:
    mark = secrets.token_hex(16)
    unconfined(DAEMON.replace("<mark>", mark))
    left = survivors(mark)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert left


HARNESS = """
import sys, threading
from pathlib import Path
from sandbox.backend import find_backend
from sandbox.job import Job
from sandbox.policy import Policy
folder, trust, warm, mark = sys.argv[1:]
script = Path(folder) / 'script.py'
words = ['sh', '-c', 'sleep 60; exit', mark]
script.write_text(f"import os\\nos.execv('/bin/sh', {words!r})")
job = Job('x', ('python', '-P', '{inputs}/script.py'), Path(folder) / 'job',
          inputs={'script.py': script}, policy=Policy(trust=trust), warm=warm)
find_backend('bubblewrap').run(job, threading.Event())
"""


@pytest.mark.parametrize("trust,warm", [("untrusted", ""), ("builtin", "sandbox.canary:script")])
def test_killing_the_harness_leaves_no_survivors(trust: str, warm: str, tmp_path: Path) -> None:
    mark = secrets.token_hex(16)
    command = [sys.executable, "-c", HARNESS, str(tmp_path), trust, warm, mark]
    harness = subprocess.Popen(command, cwd=Path(__file__).parents[2])
    until(lambda: len(survivors(mark)) > 1)
    harness.kill()
    harness.wait()
    until(lambda: survivors(mark) == [])


def test_cancelling_kills_at_once(bubblewrap: Backend) -> None:
    cancelled = threading.Event()
    threading.Timer(0.2, cancelled.set).start()
    outcome = execute(["sleep", "30"], Policy(), bubblewrap, cancelled=cancelled)
    assert (outcome.verdict, outcome.limit) == ("killed", "cancelled")
    assert outcome.wall_s < 3


def test_what_a_job_prints_is_kept_head_and_tail_and_shown_escaped(
    fresh: Attempt, tmp_path: Path
) -> None:
    outcome = fresh("print('first\\x1b[31m')\nprint('x' * 200000)\nprint('last\\x1b]0;title\\x07')")
    assert outcome.verdict == "ok"
    text = (tmp_path / "0" / "job" / "stdout.log").read_bytes()
    assert text.startswith(b"first")
    assert b"bytes left out" in text
    assert b"last" in text[-200:]
    assert len(text) < SMALL.log_bytes + 100
    assert "\x1b" not in outcome.stdout_tail
    assert "last\\x1b" in outcome.stdout_tail


def until(true: object, wait_s: float = 15.0) -> None:
    assert callable(true)
    end = time.monotonic() + wait_s
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.05)


def survivors(mark: str) -> list[int]:
    return [pid for pid, text in command_lines() if mark in text and pid != os.getpid()]


def command_lines() -> Iterator[tuple[int, str]]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            yield int(path.parent.name), path.read_text(errors="replace")
