"""Nothing of a harness lives on that was killed with -9 in whatever instant of a job's start."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sandbox.ordinary import as_ordinary

Start = Callable[..., subprocess.CompletedProcess[str]]
TRIES = 40
# Forks many harnesses from one process that has imported all, and kills each a random time after
# it begins to start a job. What outlives its parent becomes a child of this process, whatever it
# is and however it calls itself; two seconds later there must be none.
HARNESSES = """
import os, random, shutil, signal, sys, tempfile, threading, time
from pathlib import Path
from sandbox import kernel
from sandbox.backends.bubblewrap import Bubblewrap
from sandbox.guard import any_left, end_all
from sandbox.job import Job
from sandbox.policy import Policy
from sandbox.process_tree import tree
from sandbox.seccomp import seccomp_program

def harness(folder, ready, told):
    backend, go = Bubblewrap(), threading.Event()
    if ready:
        backend.run(Job('first', ('true',), folder / 'first', policy=Policy()), go)
    os.write(told, b'+')
    backend.run(Job('second', ('sleep', '60'), folder / 'second', policy=Policy()), go)

def left():
    return [name_of(pid) for pid in tree(os.getpid())][1:] if any_left() else []

def name_of(pid):
    try:
        return Path(f'/proc/{pid}/comm').read_text()
    except OSError:
        return 'one that has just ended'

folder, tries = Path(tempfile.mkdtemp()), int(sys.argv[1])
kernel.adopt_orphans()
seccomp_program()
for number in range(tries):
    began, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(began)
        try:
            harness(folder / str(number), number % 4 > 0, told)
        finally:
            os._exit(1)
    os.close(told)
    assert os.read(began, 1) == b'+'
    os.close(began)
    time.sleep(random.uniform(0, 0.06))
    os.kill(pid, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
ends = time.monotonic() + 2
while left() and time.monotonic() < ends:
    time.sleep(0.05)
print(*left(), sep='', end='')
end_all()
shutil.rmtree(folder)
"""


def as_oneself(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-c", script, *arguments]
    home = {"PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=home)


@pytest.mark.slow
@pytest.mark.parametrize("start", [as_oneself, as_ordinary])
def test_nothing_is_left_of_a_harness_killed_at_any_instant_of_a_start(start: Start) -> None:
    done = start(HARNESSES, str(TRIES))
    assert done.returncode == 0, done.stderr
    assert done.stdout == "", "these live on"
