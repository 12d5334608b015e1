"""The project's own suite, as `hanji test` and `.ci/run` run it."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import TextIO

from sandbox.errors import BadInput

TWO = ("-n", "2", "--dist", "worksteal")
"""Whole runs use every core by themselves for a part of their time only."""
PROJECT = Path(__file__).resolve().parent.parent


def run_suite(arguments: list[str], stream: TextIO | None = None) -> int:
    """Run pytest in the project's folder; its summary is the last line, its exit code returns.

    stream: where pytest writes, stdout when None. Arguments come after ours, so that a person's own
    `-m` or paths win. Raises BadInput when pytest or the tests are not here.
    """
    if importlib.util.find_spec("pytest") is None:
        raise BadInput("pytest is not installed", "run `./hanji test`, which installs it")
    if not (PROJECT / "tests").is_dir():
        raise BadInput(f"there are no tests in {PROJECT}", "run this in a clone of the project")
    command = [sys.executable, "-P", "-m", "pytest", "-m", "not full", *TWO, *arguments]
    return subprocess.run(command, cwd=PROJECT, stdout=stream, check=False).returncode
