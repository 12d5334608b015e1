"""The parent of all sandboxes of a harness: what it passes on, and what its end ends."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from sandbox.backends.bubblewrap import Bubblewrap
from sandbox.errors import SandboxError
from sandbox.job import Job
from sandbox.launcher import Child, Launcher
from sandbox.policy import Policy
from sandbox.process_tree import tree
from tests.sandbox.attacks.ground import end, marked
from tests.sandbox.conftest import until

STANDARD_SIGNALS = 0x7FFFFFFF
LISTING = 1  # the folder that `ls` reads
FORKED_HARNESS = """
import os, sys, time
from sandbox.launcher import Launcher
launcher = Launcher()
launcher.launch(["/bin/sleep", sys.argv[1]], [0, 1, 2])
if os.fork() == 0:  # it has every descriptor of the harness, and lives on
    time.sleep(600)
    os._exit(0)
print("up", flush=True)
time.sleep(600)
"""


def printed(launcher: Launcher, *command: str, passed: int = 0) -> str:
    """What a program prints that has this many descriptors besides its standard ones."""
    with ExitStack() as stack:
        nothing = stack.enter_context(Path(os.devnull).open("r+b")).fileno()
        reading, writing = os.pipe()
        child = launcher.launch(command, [nothing, writing, nothing, *[nothing] * passed])
        os.close(writing)
        with os.fdopen(reading) as told:
            text = told.read()
        assert child.wait(20)
        os.close(child.pidfd)
        return text


def asleep(launcher: Launcher, seconds: str = "60") -> Child:
    return launcher.launch(["/bin/sleep", seconds], [0, 1, 2])


def wardens() -> list[int]:
    """Those that this process started."""
    names = {pid: Path(f"/proc/{pid}/comm").read_text().strip() for pid in tree(os.getpid())}
    return [pid for pid, name in names.items() if name == "hanji-warden"]


def test_a_program_has_its_own_descriptors_and_no_environment(
    launcher: Launcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANJI_API_KEY", "secret")
    assert printed(launcher, "/usr/bin/env") == ""
    assert printed(launcher, "/bin/pwd") == "/\n"
    for passed in (0, 5):
        held = printed(launcher, "/bin/ls", "/proc/self/fd", passed=passed).split()
        assert sorted(map(int, held)) == list(range(3 + passed + LISTING))


def test_a_program_has_the_signals_as_the_system_gives_them(launcher: Launcher) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as under nohup
    try:
        state = printed(launcher, "/bin/grep", "^Sig", "/proc/self/status")
    finally:
        signal.signal(signal.SIGHUP, before)
    ignored = next(line for line in state.splitlines() if line.startswith("SigIgn"))
    assert int(ignored.split()[1], 16) & STANDARD_SIGNALS == 0


def test_a_program_that_is_not_there_is_told_as_such(launcher: Launcher) -> None:
    with pytest.raises(FileNotFoundError, match="/nowhere/to-be-found"):
        launcher.launch(["/nowhere/to-be-found"], [0, 1, 2])
    assert printed(launcher, "/bin/echo", "on") == "on\n"


def test_a_child_that_was_killed_is_gone_from_the_process_table(launcher: Launcher) -> None:
    child = asleep(launcher)
    assert not child.wait(0.05)
    child.kill()
    assert child.wait(20)
    assert not Path(f"/proc/{child.pid}").exists()
    os.close(child.pidfd)


def test_closing_ends_everything_and_the_next_launch_starts_anew() -> None:
    before = wardens()
    launcher = Launcher()
    first = asleep(launcher)
    launcher.close()
    assert first.wait(0)
    assert wardens() == before
    assert printed(launcher, "/bin/echo", "on") == "on\n"
    launcher.close()
    os.close(first.pidfd)


def test_a_launcher_that_is_forgotten_ends_everything() -> None:
    launcher = Launcher()
    child = asleep(launcher)
    del launcher
    assert child.wait(20)
    os.close(child.pidfd)


def test_a_warden_that_was_killed_takes_its_jobs_along_and_is_replaced(tmp_path: Path) -> None:
    before = set(wardens())
    ended = []
    with closing(Bubblewrap()) as backend:
        log = tmp_path / "slow" / "stdout.log"
        slow = Job("slow", ("sh", "-c", "echo up; sleep 60"), tmp_path / "slow", policy=Policy())
        over = threading.Event()
        runner = threading.Thread(target=lambda: ended.append(backend.run(slow, over)))
        runner.start()
        until(lambda: log.exists() and log.read_text() == "up\n", 60)
        (warden,) = set(wardens()) - before
        os.kill(warden, signal.SIGKILL)
        runner.join()
        assert ended[0].verdict == "failed"
        again = backend.run(Job("x", ("echo", "on"), tmp_path / "x", policy=Policy()), over)
        assert (again.verdict, again.stdout_tail) == ("ok", "on\n")


def test_a_warden_that_was_stopped_before_it_answers_is_told_of(launcher: Launcher) -> None:
    before = set(wardens())
    printed(launcher, "/bin/true")
    (warden,) = set(wardens()) - before
    os.kill(warden, signal.SIGSTOP)
    threading.Timer(0.3, os.kill, (warden, signal.SIGKILL)).start()
    with pytest.raises(SandboxError, match="the parent of all sandboxes was killed"):
        asleep(launcher)


def test_what_a_harness_forked_keeps_nothing_alive_when_it_is_killed() -> None:
    mark = f"620.{int(secrets.token_hex(6), 16)}"
    command = [sys.executable, "-c", FORKED_HARNESS, mark]
    home = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=home, stdout=subprocess.PIPE, text=True) as harness:
        assert harness.stdout is not None
        try:
            assert harness.stdout.readline() == "up\n"
            until(lambda: asleep_among(marked(mark)))  # its name comes a moment after its start
            forked = [pid for pid in marked(mark) if pid != harness.pid]
            [asleep] = asleep_among(forked)
            harness.kill()
            harness.wait()
            until(lambda: asleep not in marked(mark))
            assert set(forked) - {asleep} <= set(marked(mark))
        finally:
            harness.kill()
            end(marked(mark))


def asleep_among(pids: list[int]) -> list[int]:
    return [pid for pid in pids if Path(f"/proc/{pid}/comm").read_text() == "sleep\n"]
