"""What the Landlock level does by itself; the shared suite is tried on it in `test_attacks`."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.backends.landlock import LEVEL, Landlock
from sandbox.errors import SandboxError, SandboxUnavailable
from sandbox.exec import execute
from sandbox.job import Job
from sandbox.landlock import kernel_abi
from sandbox.policy import MIB
from sandbox.process_tree import tree
from sandbox.scratch import sweep
from tests.sandbox.attacks.attack import SMALL
from tests.sandbox.attacks.ground import end, marked
from tests.sandbox.conftest import until
from tests.sandbox.ordinary import as_ordinary

pytestmark = pytest.mark.skipif(kernel_abi() == 0, reason="this kernel has no Landlock")
OLDEST, SCOPED = 1, 6

# Everything that namespaces would keep an ordinary person's job from, tried as that person.
ORDINARY = r"""
import json, os, subprocess, sys, tempfile, threading
from pathlib import Path
from sandbox.backends.landlock import Landlock
from sandbox.backends.process import Process
from sandbox.exec import execute
from sandbox.job import Job
from sandbox.policy import Policy

TRIES = '''
import ctypes, fcntl, json, os, pathlib, resource, shutil, signal, socket, sys
secret, victim, address, own = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[0]
libc = ctypes.CDLL(None, use_errno=True)
data = os.path.join(os.path.dirname(own), "data")
def must(result):
    if result == -1: raise OSError(ctypes.get_errno(), "refused")
def connect():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one: one.connect(address)
def send():
    pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    pair[0].sendto(b"x", address)
def own_program():
    pathlib.Path("mine").write_bytes(pathlib.Path("/bin/true").read_bytes())
    os.close(os.open("mine2", os.O_CREAT | os.O_WRONLY, 0o700))
    shutil.copyfile("mine", "mine2")
    must(0 if os.spawnv(os.P_WAIT, "mine2", ["mine2"]) == 0 else -1)
def ask_for_a_signal():
    one, other = os.pipe()
    fcntl.fcntl(one, fcntl.F_SETOWN, victim)
    fcntl.fcntl(one, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
    os.write(other, b"x")
tries = {
    "read a file": lambda: open(secret).read(),
    "empty an input by opening it": lambda: os.close(os.open(data, os.O_RDONLY | os.O_TRUNC)),
    "empty an input by its name": lambda: os.truncate(data, 0),
    "change a file's mode": lambda: os.chmod(secret, 0o640),
    "change a file's times": lambda: os.utime(secret, (1, 1)),
    "mark a file": lambda: os.setxattr(secret, "user.hanji", b"1"),
    "watch a folder": lambda: must(libc.inotify_add_watch(
        libc.inotify_init(), os.path.dirname(secret).encode(), 0xFFF)),
    "list the processes": lambda: os.listdir("/proc"),
    "read another's environment": lambda: open(f"/proc/{victim}/environ").read(),
    "limit another": lambda: resource.prlimit(victim, resource.RLIMIT_CORE, (0, 0)),
    "slow another down": lambda: os.setpriority(os.PRIO_PROCESS, victim, 19),
    "slow everything of the person's down": lambda: os.setpriority(os.PRIO_USER, 0, 19),
    "choose another's cores": lambda: os.sched_setaffinity(victim, os.sched_getaffinity(0)),
    "connect to a socket": connect,
    "send to a socket from a pair": send,
    "use the machine's shared memory": lambda: pathlib.Path(f"/dev/shm/{victim}").touch(),
    "run a program of its own": own_program,
    "hide from who looks at it": lambda: must(libc.prctl(4, 0, 0, 0, 0)),
    "have the kernel signal another": ask_for_a_signal,
    "signal another": lambda: os.kill(victim, signal.SIGUSR1),
}
worked = []
for name, attempt in tries.items():
    try: attempt()
    except OSError: continue
    worked.append(name)
pathlib.Path("result.json").write_text(json.dumps(worked))
'''
SLEEPER = (
    "import os, signal, time\n"
    "for one in (signal.SIGUSR1, signal.SIGIO):\n"
    "    signal.signal(one, lambda number, _: os.write(1, b'%d\\n' % number))\n"
    "print('up', flush=True)\n"
    "time.sleep(120)"
)


def tried(backend):
    import socket
    one = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    with tempfile.TemporaryDirectory() as name, one as s:
        folder = Path(name)
        for file, text in (("secret", "x"), ("script.py", TRIES), ("data", "data")):
            (folder / file).write_text(text)
        s.bind(str(folder / "socket"))
        sleeper = [sys.executable, "-c", SLEEPER]
        victim = subprocess.Popen(sleeper, stdout=subprocess.PIPE, text=True)
        victim.stdout.readline()
        command = ("python", "-P", "{inputs}/script.py", str(folder / "secret"), str(victim.pid),
                   str(folder / "socket"))
        inputs = {"script.py": folder / "script.py", "data": folder / "data"}
        policy = Policy(wall_s=60, file_bytes=1 << 20)
        job = Job("tries", command, folder / "job", inputs, policy)
        outcome = backend.run(job, threading.Event())
        Path(f"/dev/shm/{victim.pid}").unlink(missing_ok=True)
        victim.terminate()
        signals = victim.communicate()[0].split()
        if outcome.verdict != "ok":
            return [outcome.reason, outcome.stderr_tail]
        worked = json.loads(outcome.outputs["result.json"].path.read_text())
        return sorted({*worked, *(f"signal {number} arrived" for number in signals)})


newest = Landlock()
print(json.dumps({
    "control": tried(Process()), "oldest": tried(Landlock(1)), "newest": tried(newest),
    "uid": os.getuid(),
}))
"""
ALLOWED_OF_THE_KERNEL = {"have the kernel signal another"}  # asked for, and then it does not arrive


@pytest.fixture
def landlock() -> Landlock:
    return Landlock()


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where jobs have their folders, of which nothing may be left."""
    place = tmp_path / "folders"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    yield place
    assert list(place.iterdir()) == []


@pytest.mark.slow
def test_the_probe_finds_what_the_level_promises_and_says_what_it_lacks(landlock: Landlock) -> None:
    found = landlock.probe()
    assert found.confined, found.enforced
    assert [name for name, held in found.enforced.items() if not held] == ["processes_hidden"]
    assert (found.level, found.warm) == (LEVEL, False)
    assert found.lacks and set(found.lacks) <= set(found.notes)


@pytest.mark.slow
def test_an_ordinary_persons_job_cannot_reach_what_the_person_could() -> None:
    done = as_ordinary(ORDINARY)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["uid"] != 0
    assert said["oldest"] == []
    assert set(said["newest"]) <= ALLOWED_OF_THE_KERNEL
    assert len(said["control"]) == 22, "\n".join(said["control"])


def test_a_kernel_without_it_is_told_so() -> None:
    none = Landlock(0)
    with pytest.raises(SandboxUnavailable, match="this kernel has no Landlock"):
        none.probe()
    with pytest.raises(SandboxUnavailable, match=r"Linux 5\.13 or newer"):
        execute(["true"], SMALL, none)


@pytest.mark.parametrize("abi", sorted({OLDEST, min(SCOPED, kernel_abi()), kernel_abi()}))
def test_every_version_of_it_runs_a_job_and_keeps_a_secret(abi: int, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    tries = f"cat {tmp_path}/secret; ls /proc/1; echo told"
    outcome = execute(["sh", "-c", tries], SMALL, Landlock(abi), tmp_path / "job")
    assert (outcome.verdict, outcome.stdout_tail) == ("ok", "told\n")
    assert outcome.isolation == LEVEL


def test_nothing_is_left_of_a_job_and_its_folders(landlock: Landlock, folders: Path) -> None:
    mark = secrets.token_hex(8)
    daemon = f"setsid sleep 30.{int(mark, 16)} >/dev/null 2>&1 & mkdir -m 0300 shut; touch shut/x"
    outcome = execute(["sh", "-c", daemon], SMALL, landlock)
    seen = ("ok", "") if os.geteuid() == 0 else ("failed", "inodes")  # what nobody may list
    assert (outcome.verdict, outcome.limit) == seen, outcome.stderr_tail
    assert marked(str(int(mark, 16))) == []


DEEP = (
    "import os, time\n"
    "for _ in range(300):\n    os.mkdir('x')\n    os.chdir('x')\n"
    "open('hidden', 'wb').write(bytes(1 << 20))\ntime.sleep(30)"
)


def test_a_folder_too_deep_to_be_looked_through_counts_as_too_many_files(
    landlock: Landlock, folders: Path
) -> None:
    outcome = execute(["python", "-I", "-S", "-c", DEEP], SMALL, landlock)
    assert (outcome.verdict, outcome.limit) == ("killed", "inodes")


def test_what_passed_a_limit_between_two_looks_has_failed_by_it(
    landlock: Landlock, folders: Path
) -> None:
    command = ["python", "-I", "-S", "-c", "open('x', 'wb').write(bytes(9 << 20))"]
    outcome = execute(command, replace(SMALL, disk_bytes=8 * MIB), landlock)
    assert outcome.verdict != "ok"
    assert outcome.limit == "disk"


def test_a_job_whose_guard_was_killed_gives_no_results(
    landlock: Landlock, tmp_path: Path, folders: Path
) -> None:
    mark = f"31.{int(secrets.token_hex(6), 16)}"
    command = ("sh", "-c", f"touch result.json; sleep {mark}; true")
    job = Job("x", command, tmp_path / "job", policy=SMALL)
    failures: list[SandboxError] = []

    def run() -> None:
        try:
            landlock.run(job, threading.Event())
        except SandboxError as error:
            failures.append(error)

    runner = threading.Thread(target=run)
    runner.start()
    until(lambda: any("sleep" in name for name in guards().values()))
    for pid in guards():
        os.kill(pid, signal.SIGKILL)
    runner.join()
    end(marked(mark))
    assert "the guard of a job ended early" in failures[0].what
    assert not (tmp_path / "job" / "result.json").exists()
    until(lambda: list(folders.iterdir()) == [])


def guards() -> dict[int, str]:
    """Guards that this process started -> names of all that runs below."""
    children = [pid for pid in tree(os.getpid()) if name_of(pid) == "hanji-guard"]
    return {pid: " ".join(name_of(below) for below in tree(pid)) for pid in children}


def name_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


HARNESS = """
import sys, tempfile
from sandbox.backends.landlock import Landlock
from sandbox.exec import execute
from sandbox.policy import Policy
tempfile.tempdir = sys.argv[1]
sleep = 'sleep ' + sys.argv[2]
execute(['sh', '-c', 'setsid ' + sleep + ' & ' + sleep], Policy(), Landlock())
"""


def test_a_harness_that_was_killed_leaves_neither_processes_nor_folders(tmp_path: Path) -> None:
    mark = f"61.{int(secrets.token_hex(6), 16)}"
    command = [sys.executable, "-c", HARNESS, str(tmp_path), mark]
    harness = subprocess.Popen(command, cwd=Path(__file__).parents[2])
    until(lambda: len(marked(mark)) > 2, 60)
    harness.kill()
    harness.wait()
    until(lambda: marked(mark) == [])
    until(lambda: list(tmp_path.glob("hanji-scratch-job-*")) == [])
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []
