"""A plain process: for machines that cannot confine, and only when asked for by name."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from sandbox import view
from sandbox.backend import Capabilities, backend
from sandbox.canaries import INSIDE, OVER
from sandbox.errors import SandboxError
from sandbox.inputs import input_files
from sandbox.job import Job
from sandbox.outcome import Outcome
from sandbox.process_tree import tree
from sandbox.results import with_outputs
from sandbox.scratch import Scratch
from sandbox.starter import limits, starter
from sandbox.watch import Disk, Started, watch
from sandbox.wires import Wires, wire

LEVEL = "unconfined"
OWN_PROCESSES = 1
DEATH_S = 10.0
PAUSE_S = 0.01


@backend("process")
class Process:
    """Watches time, memory and output by best effort, and removes the workspace.

    Not contained: anything. The job has the person's rights, sees every file and the network, and
    what detaches itself from it lives on. Its results are marked `unconfined`.
    """

    name = "process"

    def probe(self) -> Capabilities:
        """Say that nothing is confined; nothing needs trying to know it."""
        names = (*INSIDE, *(f"{limit}_limit" for limit in OVER), "tree_killed")
        return Capabilities(
            self.name,
            LEVEL,
            confined=False,
            warm=False,
            enforced=dict.fromkeys(names, False),
            notes=("time, memory and output are watched by best effort; nothing is confined",),
        )

    def run(self, job: Job, cancelled: threading.Event) -> Outcome:
        """Run the command in a temporary folder with the job's environment."""
        job.folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            space = Scratch.make("job")
            stack.callback(space.remove)
            inputs, work = space.path / "inputs", space.path / "work"
            _place(job, inputs)
            work.mkdir()
            folder = os.open(work, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            stack.callback(os.close, folder)
            process, wires = _spawn(_command(job, inputs, work), work, job, stack, space.lock)
            kill = _killer(process)
            stack.callback(kill)
            if wires.channel.recv(2) != b"r\n":
                raise SandboxError(
                    "the job's shell did not start", "check that /bin/sh and prlimit are there"
                )
            outcome = watch(
                Started(
                    init=process.pid,
                    wires=wires,
                    disk=lambda: _held(work),
                    kill=kill,
                    in_memory=False,
                    own=OWN_PROCESSES,
                    work=folder,
                    isolation=LEVEL,
                ),
                job,
                cancelled,
            )
            return with_outputs(outcome, job, folder)

    def close(self) -> None:
        """Nothing is kept."""


def _command(job: Job, inputs: Path, work: Path) -> list[str]:
    return [
        word.replace("{inputs}", str(inputs)).replace("{work}", str(work)) for word in job.command
    ]


def _place(job: Job, inputs: Path) -> None:
    for file in input_files(job.inputs):
        target = inputs / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file.path, target)
    inputs.mkdir(exist_ok=True)


def _spawn(
    command: list[str], work: Path, job: Job, stack: ExitStack, lock: int
) -> tuple[subprocess.Popen[bytes], Wires]:
    """Start it; whatever survives the harness keeps the lock of its folder."""
    environment = {
        **view.environment(),
        "PYTHONPATH": str(Path(view.__file__).parent.parent),
        "HOME": str(work),
        "TMPDIR": str(work),
    }
    words = [*limits(job.policy, OWN_PROCESSES, without=("RLIMIT_NPROC",)), *starter(command)]
    with ExitStack() as theirs:
        wires, ends = wire(stack, theirs, os.geteuid())
        process = subprocess.Popen(
            words,
            env=environment,
            cwd=work,
            stdin=ends.channel.fileno(),
            stdout=ends.stdout,
            stderr=ends.stderr,
            pass_fds=(lock,),
            start_new_session=True,
        )
    return process, wires


def _killer(process: subprocess.Popen[bytes]) -> Callable[[], None]:
    """Kill what can still be found of the job: its tree and its session.

    The first process is waited for last: until then its number can be nobody else's.
    """

    def kill() -> None:
        deadline = time.monotonic() + DEATH_S
        while process.returncode is None:
            found = list(tree(process.pid))
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            for pid in reversed(found):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            if process.poll() is None and time.monotonic() > deadline:
                raise SandboxError(
                    f"a job did not die within {DEATH_S:g} s of SIGKILL",
                    "the kernel holds it; look at `dmesg`",
                )
            time.sleep(PAUSE_S)

    return kill


def _held(work: Path) -> Disk:
    """Bytes and files of the workspace, walked without following links."""
    held_bytes, count = 0, 0
    for folder, _, names in os.walk(work):
        for name in names:
            with contextlib.suppress(OSError):
                held_bytes += (Path(folder) / name).lstat().st_blocks * 512
                count += 1
    return Disk(held_bytes, count)
