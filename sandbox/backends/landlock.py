"""For machines without user namespaces: Landlock, seccomp, limits, and a guard outside."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from sandbox import view
from sandbox.backend import Capabilities, backend
from sandbox.canaries import try_out
from sandbox.enclosure import START_S, job_uid
from sandbox.errors import SandboxError, SandboxUnavailable
from sandbox.greeting import READY, first_words
from sandbox.guard import REFUSED
from sandbox.job import Job
from sandbox.landlock import READ_FILE, READING, SCOPE_ABI, USING, WRITING, kernel_abi
from sandbox.outcome import Outcome
from sandbox.policy import Policy
from sandbox.process_tree import threads_of
from sandbox.results import with_outputs
from sandbox.seccomp import shared_view_program
from sandbox.starter import limit_values, starter
from sandbox.watch import Started, watch
from sandbox.wires import Wires, wire
from sandbox.workspace import Workspace

LEVEL = "landlock (degraded)"
OWN_PROCESSES = 2  # the guard and the starter
DEATH_S = 20.0
NOT_HELD = ("processes_hidden",)
APART = "/usr/bin/setsid"  # so that the kernel shares CPU time out between a job and its guard
HEADROOM_PROCESSES = 512  # for what else the person starts while the job runs
USED = ("/dev/null", "/dev/zero", "/dev/full")
READ = ("/dev/urandom", "/dev/random", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat")


@backend("landlock")
class Landlock:
    """Contains files, network, signals, memory, time and output of a job, without namespaces.

    Not contained, besides what bubblewrap does not contain: what a path's existence, size and times
    tell; which processes there are; the workspace, whose bytes and files are on the machine's disk
    and are counted now and then, not capped; and a job whose guard somebody else kills. Jobs also
    get less: no sockets, no shared memory, no /proc of their own, no changes of modes, owners and
    times of files, and no programs of their own making.
    """

    name = "landlock"
    lacks = (
        "a job sees that files outside exist, their sizes and times, though not what is in them",
        "a job sees that other processes exist, though not what they are",
        "the workspace is on the machine's disk: its limits are counted from outside, not capped",
    )

    def __init__(self, abi: int | None = None) -> None:
        """Speak at most version `abi` of Landlock; all that the kernel has when it is not given."""
        kernel = kernel_abi()
        self._abi = kernel if abi is None else min(abi, kernel)
        self._probed: Capabilities | None = None
        self._lock = threading.Lock()

    def probe(self) -> Capabilities:
        """Run the canaries, once. Raises SandboxUnavailable."""
        with self._lock:
            if self._probed is None:
                self._check_kernel()
                enforced = try_out(self)
                wanted = [held for name, held in enforced.items() if name not in NOT_HELD]
                notes = (f"Landlock version {self._abi}; degraded, because:", *self.lacks)
                self._probed = Capabilities(
                    self.name, LEVEL, all(wanted), False, enforced, notes, self.lacks
                )
            return self._probed

    def run(self, job: Job, cancelled: threading.Event) -> Outcome:
        """Run the command in a folder of its own. Raises SandboxUnavailable."""
        self._check_kernel()
        if job.policy.gpus:
            raise SandboxUnavailable("landlock gives jobs no GPU", "use --sandbox bubblewrap")
        job.folder.mkdir(parents=True, exist_ok=True)
        uid = job_uid()
        with ExitStack() as stack:
            space = Workspace()
            stack.callback(space.remove)
            space.furnish(job.inputs, uid)
            work = os.open(space.work, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            stack.callback(os.close, work)
            guard = _Guard(_request(job, space, uid, self._abi), uid, space.lock, stack)
            stack.callback(guard.kill)
            guard.await_ready()
            outcome = watch(
                Started(
                    init=guard.process.pid,
                    wires=guard.wires,
                    disk=lambda: space.held(guard.process.pid, job.policy.inodes),
                    kill=guard.kill,
                    in_memory=False,
                    own=OWN_PROCESSES,
                    work=work,
                    isolation=LEVEL,
                ),
                job,
                cancelled,
            )
            return with_outputs(outcome, job, work)

    def close(self) -> None:
        """Nothing is kept."""

    def _check_kernel(self) -> None:
        if self._abi < 1:
            raise SandboxUnavailable(
                "this kernel has no Landlock, or has it switched off",
                "use Linux 5.13 or newer with `landlock` among the boot option lsm=",
            )


class _Guard:
    """The started guard of one job."""

    def __init__(self, request: dict[str, object], uid: int, lock: int, stack: ExitStack) -> None:
        """Start it, holding the folder's lock too; what is ours is closed with `stack`."""
        with ExitStack() as theirs:
            self.wires, ends = wire(stack, theirs, uid)
            control, self._control = os.pipe2(os.O_CLOEXEC)
            theirs.callback(os.close, control)
            stack.callback(os.close, self._control)
            told = os.memfd_create("hanji", os.MFD_CLOEXEC)
            theirs.callback(os.close, told)
            os.write(told, json.dumps(request).encode())
            os.lseek(told, 0, os.SEEK_SET)
            self.process = _start((control, told), lock, ends)

    def await_ready(self) -> None:
        """Until the job's starter has spoken. Raises SandboxUnavailable with what it said."""
        try:
            if first_words(self.wires.channel, START_S).said == READY:
                return
            told = self.wires.complaint()
        except TimeoutError:
            told = f"it did not start within {START_S:g} s: {self.wires.complaint()}"
        raise SandboxUnavailable(
            f"landlock cannot confine on this machine: {told or 'no message'}", _mend(told)
        )

    def kill(self) -> None:
        """Have it kill every process of the job. Raises SandboxError unless all are dead."""
        if self.process.returncode is not None:
            return
        with contextlib.suppress(BrokenPipeError):  # it has ended, and its exit code says how
            os.write(self._control, b"k")
        try:
            left = self.process.wait(DEATH_S)
        except subprocess.TimeoutExpired:
            raise SandboxError(
                f"a job did not die within {DEATH_S:g} s of SIGKILL",
                "the kernel holds it; look at `dmesg`",
            ) from None
        if left not in (0, REFUSED):
            raise SandboxError(
                "the guard of a job ended early, and processes of the job may live on",
                "look at `ps`, and run it again",
            )


def _start(asked: tuple[int, int], lock: int, ends: Wires) -> subprocess.Popen[bytes]:
    words = ["-S", "-P", "-m", "sandbox.guard", *map(str, asked)]
    home = str(Path(view.__file__).parent.parent)
    return subprocess.Popen(
        [sys.executable, *words],
        env={"PYTHONPATH": home, "PYTHONDONTWRITEBYTECODE": "1"},
        cwd="/",
        stdin=ends.channel.fileno(),
        stdout=ends.stdout,
        stderr=ends.stderr,
        pass_fds=(*asked, lock),
        start_new_session=True,
    )


def _mend(told: str) -> str:
    if "cannot be entered" in told:
        return "install Hanji and its Python where every user may read, or run as an ordinary user"
    return "run `hanji doctor`"


def _request(job: Job, space: Workspace, uid: int, abi: int) -> dict[str, object]:
    """What the guard needs to know; the job sees none of it."""
    code = _code(space)
    kept = [str(place.resolve()) for place in (*_interpreter(), *code, space.root)]
    command = [
        word.replace("{inputs}", str(space.inputs)).replace("{work}", str(space.work))
        for word in job.command
    ]
    scoped = abi >= SCOPE_ABI or os.geteuid() == 0  # a uid of its own can signal nobody else's
    return {
        "root": str(space.root),
        "work": str(space.work),
        "command": [APART, *starter(command)],
        "environment": {
            **view.environment(),
            "PYTHONPATH": str(space.root / "code"),
            "HOME": str(space.tmp),
            "TMPDIR": str(space.tmp),
        },
        "uid": uid,
        "limits": _limits(job.policy, uid),
        "rules": list(_rules(space, code)),
        "abi": abi,
        "seccomp": shared_view_program(scoped).hex(),
        "kept": kept,
        "covered": closed_above(kept) if os.geteuid() == 0 else [],
    }


def _code(space: Workspace) -> list[Path]:
    """Link the parts of Hanji that run inside into the job's folder; returns where all is."""
    home = Path(view.__file__).parent.parent
    folder = space.root / "code"
    folder.mkdir(mode=0o755)
    places = [home / name for name in view.PACKAGES if (home / name).is_dir()]
    for place in places:
        (folder / place.name).symlink_to(place)
    return [folder, *places]


def _interpreter() -> list[Path]:
    return [Path(sys.base_prefix), Path(sys.prefix)]


def _rules(space: Workspace, code: list[Path]) -> Iterator[tuple[str, int]]:
    """Path and Landlock rights of everything that the job may open."""
    for system in (*view.SYSTEM, *view.MERGED, *view.SETTINGS):
        yield system, READING
    for place in (*_interpreter(), *code, space.inputs):
        yield str(place), READING
    for folder in (space.work, space.tmp):
        yield str(folder), WRITING
    for device in USED:
        yield device, USING
    for file in READ:
        yield file, READ_FILE


def _limits(policy: Policy, uid: int) -> dict[str, tuple[int, int]]:
    """As in every sandbox; a person's other processes count against theirs, so room is left."""
    values = limit_values(policy, OWN_PROCESSES)
    if os.geteuid() != 0:
        most = values["RLIMIT_NPROC"][0] + threads_of(uid) + HEADROOM_PROCESSES
        values["RLIMIT_NPROC"] = (most, most)
    return values


def closed_above(kept: list[str]) -> list[str]:
    """The topmost folders above these places that other users may not enter."""
    closed: list[str] = []
    for place in kept:
        for folder in reversed(Path(place).resolve().parents):
            if not folder.stat().st_mode & stat.S_IXOTH:
                closed.append(str(folder))
                break
    return sorted(set(closed))
