"""The shell line that starts every job: waits for the word, runs, and reports the exit code.

Its standard input is a socket to the harness; the command gets /dev/null. It runs under the same
limits as the job, so a job that overwrites it gains nothing, and can only misreport its own exit
code.
"""

from __future__ import annotations

from sandbox.policy import Policy

SCRIPT = 'echo r >&0; read -r go || exit 125; "$@" </dev/null; echo "x $?" >&0; read -r end'
OPEN_FILES = 1024
LOCKED_BYTES = 65536
SLACK_PROCESSES = 8  # the watcher kills at the policy's number; the kernel refuses a little above


def limit_values(policy: Policy, own: int) -> dict[str, tuple[int, int]]:
    """Name of each resource limit -> soft and hard value; `own` processes are the sandbox's.

    RLIMIT_DATA is a wall behind the watcher: no single process may ask for four times its share.
    """
    cpu_s = max(int(policy.cpu_s) + 1, 1)
    processes = policy.processes + own + SLACK_PROCESSES
    data_bytes = 4 * policy.memory_bytes + (4 << 30)
    return {
        "RLIMIT_NPROC": (processes, processes),
        "RLIMIT_FSIZE": (policy.file_bytes, policy.file_bytes),
        "RLIMIT_CPU": (cpu_s, cpu_s + 1),
        "RLIMIT_NOFILE": (OPEN_FILES, OPEN_FILES),
        "RLIMIT_DATA": (data_bytes, data_bytes),
        "RLIMIT_CORE": (0, 0),
        "RLIMIT_MSGQUEUE": (0, 0),
        "RLIMIT_MEMLOCK": (LOCKED_BYTES, LOCKED_BYTES),
    }


def limits(policy: Policy, own: int, without: tuple[str, ...] = ()) -> list[str]:
    """A `prlimit` command that holds what follows to the policy."""
    values = {k: v for k, v in limit_values(policy, own).items() if k not in without}
    flags = [f"--{k.removeprefix('RLIMIT_').lower()}={s}:{h}" for k, (s, h) in values.items()]
    return ["prlimit", *flags, "--"]


def starter(command: list[str]) -> list[str]:
    """The shell that runs `command` when told to."""
    return ["/bin/sh", "-c", SCRIPT, "hanji", *command]
