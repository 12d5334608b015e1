"""Attacks that need more than one job: on a neighbour, on the harness's end, with its own keys."""

from __future__ import annotations

import secrets
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.backend import Backend
from sandbox.job import Job
from sandbox.outcome import Outcome
from tests.sandbox.attacks.attack import SMALL, WARM
from tests.sandbox.attacks.ground import end, marked
from tests.sandbox.attacks.registry import KILLED_HARNESS, NEIGHBOUR, OWN_KEYS
from tests.sandbox.conftest import until
from tests.sandbox.levels import CONTROL, Level
from tests.sandbox.recording import Record, record

ROOT = Path(__file__).parents[2]
TELL_KEYS = """
import os
print(dict(os.environ))
try:
    print(open('/proc/self/environ').read())
except OSError as error:
    print(error)
"""
HOLD = "import time\nopen('held', 'w').write('{treasure}')\nprint('up', flush=True)\ntime.sleep(60)"
RAID = """
import os
try:
    seen = filter(str.isdigit, os.listdir('/proc'))
except OSError as error:
    seen = ()
for pid in seen:
    for place in ('cwd/held', 'root/job/work/held', 'root/tmp/held'):
        try:
            with open(f'/proc/{pid}/{place}', 'r+') as file:
                print(file.read())
                file.write('altered')
        except OSError:
            pass
"""
HARNESS = """
import sys, threading
from pathlib import Path
from sandbox.backend import find_backend
from sandbox.job import Job
from sandbox.policy import Policy
folder, backend, warm, mark = sys.argv[1:]
script = Path(folder) / 'script.py'
words = ['sh', '-c', 'sleep 60; exit', mark]
script.write_text(f"import os\\nos.execv('/bin/sh', {words!r})")
job = Job('x', ('python', '-P', '{inputs}/script.py'), Path(folder) / 'job',
          inputs={'script.py': script},
          policy=Policy(trust='builtin' if warm else 'untrusted'), warm=warm)
find_backend(backend).run(job, threading.Event())
"""


def job(folder: Path, script: str, warm: bool, outputs: tuple[str, ...] = ()) -> Job:
    folder.mkdir()
    (folder / "script.py").write_text(script)
    return Job(
        folder.name,
        ("python", "-P", "{inputs}/script.py"),
        folder / "job",
        inputs={"script.py": folder / "script.py"},
        policy=replace(SMALL, trust="builtin" if warm else "untrusted", wall_s=60, outputs=outputs),
        warm=WARM if warm else "",
    )


def test_a_job_is_not_given_the_keys_of_the_harness(
    level: Level, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: Record
) -> None:
    treasure = secrets.token_hex(16)
    monkeypatch.setenv("HANJI_API_KEY", treasure)
    outcome = level.backend.run(job(tmp_path / "one", TELL_KEYS, level.warm), threading.Event())
    assert "LANG" in outcome.stdout_tail, outcome.stderr_tail
    assert treasure not in outcome.stdout_tail
    record(record_property, OWN_KEYS.name, level.name, "yes", "denied: nothing there")


def test_a_plain_child_process_is_given_them(
    monkeypatch: pytest.MonkeyPatch, record_property: Record
) -> None:
    """The control: the process backend, too, makes the environment anew."""
    treasure = secrets.token_hex(16)
    monkeypatch.setenv("HANJI_API_KEY", treasure)
    told = subprocess.run([sys.executable, "-c", TELL_KEYS], capture_output=True, check=True)
    assert treasure in told.stdout.decode()
    record(record_property, OWN_KEYS.name, CONTROL, "no", "it works on a plain child process")


def raid(backend: Backend, warm: bool, folder: Path, treasure: str) -> tuple[Outcome, str]:
    """What the raider came to, and what its neighbour held afterwards."""
    holder = job(folder / "holder", HOLD.format(treasure=treasure), warm, ("held",))
    over = threading.Event()
    log = holder.folder / "stdout.log"
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(backend.run, holder, over)
        try:
            until(lambda: running.done() or (log.exists() and "up" in log.read_text()), 60)
            outcome = backend.run(job(folder / "raider", RAID, warm), threading.Event())
        finally:
            over.set()
        held = running.result().outputs["held"].path.read_text()
    return outcome, held


def test_a_job_sees_and_changes_nothing_of_its_neighbour(
    level: Level, tmp_path: Path, record_property: Record
) -> None:
    treasure = secrets.token_hex(16)
    outcome, held = raid(level.backend, level.warm, tmp_path, treasure)
    assert outcome.verdict == "ok", outcome.stderr_tail
    assert treasure not in outcome.stdout_tail
    assert held == treasure
    record(record_property, NEIGHBOUR.name, level.name, "yes", "denied: nothing there")


def test_a_plain_process_sees_and_changes_its_neighbours_files(
    process: Backend, tmp_path: Path, record_property: Record
) -> None:
    treasure = secrets.token_hex(16)
    outcome, held = raid(process, False, tmp_path, treasure)
    assert treasure in outcome.stdout_tail
    assert held.startswith(f"{treasure}altered")
    record(record_property, NEIGHBOUR.name, CONTROL, "no", "it works")


def kill_harness(folder: Path, backend: str, warm: str, mark: str) -> None:
    """With -9, once its job runs."""
    command = [sys.executable, "-c", HARNESS, str(folder), backend, warm, mark]
    harness = subprocess.Popen(command, cwd=ROOT)
    until(lambda: len(marked(mark)) > 1, 60)
    harness.kill()
    harness.wait()


def test_nothing_survives_when_the_harness_is_killed(
    level: Level, tmp_path: Path, record_property: Record
) -> None:
    mark = secrets.token_hex(16)
    kill_harness(tmp_path, level.backend.name, WARM if level.warm else "", mark)
    until(lambda: marked(mark) == [])
    record(record_property, KILLED_HARNESS.name, level.name, "yes", "killed: nothing survives")


def test_a_plain_process_survives_its_harness(tmp_path: Path, record_property: Record) -> None:
    mark = secrets.token_hex(16)
    kill_harness(tmp_path, CONTROL, "", mark)
    left = marked(mark)
    end(left)
    assert left
    record(record_property, KILLED_HARNESS.name, CONTROL, "no", "it works")
