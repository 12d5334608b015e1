"""Run a script as an ordinary person: itself, or by root's giving up of all that root is.

    python -P -m tests.sandbox.ordinary SCRIPT ARGUMENTS

Root's own Python may lie where nobody else may go; a mount that only this process sees opens a way.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from sandbox import kernel
from sandbox.backends.landlock import closed_above

NOBODY = 65534
HOME = Path(__file__).parents[2]


def as_ordinary(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python source that imports Hanji; what it prints comes back."""
    command = [sys.executable, "-P", "-m", "tests.sandbox.ordinary", script, *arguments]
    return subprocess.run(command, cwd=HOME, env={"PYTHONPATH": str(HOME)}, capture_output=True,
                          text=True, check=False)  # fmt: skip


def give_up_root(places: list[str]) -> None:
    """Become nobody, to whom these places stay in reach."""
    closed = closed_above(places)
    if closed:
        kernel.own_mounts()
    for folder in closed:
        kernel.cover(folder, "size=64k,mode=0755", places)
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


if __name__ == "__main__":
    if os.geteuid() == 0:
        give_up_root([str(Path(place).resolve()) for place in (sys.base_prefix, sys.prefix, HOME)])
    sys.argv = sys.argv[1:]
    exec(compile(sys.argv[0], "ordinary", "exec"), {"__name__": "__main__"})
