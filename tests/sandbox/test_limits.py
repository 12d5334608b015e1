"""How jobs end, what is counted of them, and what is kept of their output."""

from __future__ import annotations

import math
import os
import socket
import threading
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
from tests.sandbox.conftest import SMALL, Attempt


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


def test_sockets_count_that_no_process_has_open_any_more(confined: Attempt) -> None:
    script = (
        "import array, socket, time\none, other = socket.socketpair()\n"
        "for _ in range(50):\n"
        "    pair = socket.socketpair()\n"
        "    sent = array.array('i', [end.fileno() for end in pair])\n"
        "    one.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, sent)])\n"
        "    for end in pair: end.close()\n"
        "time.sleep(0.5)"
    )
    outcome = confined(script)
    assert outcome.verdict == "ok", outcome.stderr_tail
    default = int(Path("/proc/sys/net/core/wmem_default").read_text())
    assert outcome.memory_peak_bytes > 100 * 2 * default


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


def test_a_shell_that_writes_too_long_a_file_is_told_so(bubblewrap: Backend) -> None:
    policy = replace(SMALL, file_bytes=MIB)
    outcome = execute(["dd", "if=/dev/zero", "of=x", "bs=64k", "count=64"], policy, bubblewrap)
    assert (outcome.verdict, outcome.limit) == ("killed", "file")


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
