"""Jobs that take too much: each is ended, nothing survives, and the verdict names the limit."""

from __future__ import annotations

import contextlib
import math
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.backend import Backend
from sandbox.errors import BadInput
from sandbox.exec import execute
from sandbox.job import Job
from sandbox.policy import MIB, Policy
from sandbox.watch import Disk, Started, watch
from sandbox.wires import wire
from tests.sandbox.conftest import SMALL, Attempt, until

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


def test_cpu_time_of_children_that_nobody_waits_for_is_counted(confined: Attempt) -> None:
    script = (
        "import os, signal, time\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        "while True:\n    if os.fork() == 0:\n"
        "        end = time.process_time() + 0.3\n"
        "        while time.process_time() < end: pass\n"
        "        os._exit(0)\n"
        "    try: os.wait()\n    except ChildProcessError: pass"  # forgotten all the same
    )
    outcome = confined(script, replace(SMALL, cpu_s=1.2))
    assert (outcome.verdict, outcome.limit) == ("killed", "cpu")


@pytest.mark.parametrize("limit", [{"wall_s": float("nan")}, {"cpu_s": math.inf}, {"processes": 0}])
def test_a_limit_that_would_hold_nobody_is_refused(limit: dict[str, float]) -> None:
    with pytest.raises(BadInput, match=f"{next(iter(limit))} cannot be limited to"):
        replace(SMALL, **limit)  # type: ignore[arg-type]


EXITS = {
    "raise SystemExit": (0, ""),
    "raise SystemExit(True)": (1, ""),
    "raise SystemExit(-1)": (255, ""),
    "raise SystemExit('no more')": (1, "no more\n"),
}


@pytest.mark.parametrize("script", EXITS)
def test_a_warm_job_ends_as_its_command_would(script: str, confined: Attempt) -> None:
    outcome = confined(script)
    assert (outcome.exit_code, outcome.stderr_tail) == EXITS[script]


@pytest.mark.parametrize("error", ["ValueError('odd')", "KeyboardInterrupt", "GeneratorExit"])
def test_a_job_that_raises_says_what(error: str, confined: Attempt) -> None:
    outcome = confined(f"print('so far', end='')\nraise {error}")
    assert outcome.verdict == "failed"
    assert outcome.stdout_tail == "so far"
    assert error.partition("(")[0] in outcome.stderr_tail.splitlines()[-1]


def test_a_starter_that_is_gone_before_it_heard_the_word_is_a_failed_job(tmp_path: Path) -> None:
    with ExitStack() as ours, ExitStack() as theirs:
        wires, ends = wire(ours, theirs, os.geteuid())
        started = Started(
            os.getpid(), wires, disk=Disk, kill=theirs.close, in_memory=False, own=1, work=-1,
            isolation="unconfined",
        )  # fmt: skip

        def leave() -> None:
            ends.channel.recv(1, socket.MSG_PEEK)
            theirs.close()

        threading.Thread(target=leave).start()
        outcome = watch(started, Job("gone", (), tmp_path), threading.Event())
    assert (outcome.verdict, outcome.reason) == ("failed", "it was ended from within")


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


def survivors(mark: str) -> list[int]:
    return [pid for pid, text in command_lines() if mark in text and pid != os.getpid()]


def command_lines() -> Iterator[tuple[int, str]]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            yield int(path.parent.name), path.read_text(errors="replace")
