from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.backend import Backend, find_backend
from sandbox.job import Job
from sandbox.outcome import Outcome
from sandbox.policy import MIB, Policy

SMALL = Policy(
    wall_s=10.0,
    cpu_s=10.0,
    memory_bytes=256 * MIB,
    processes=16,
    disk_bytes=16 * MIB,
    inodes=500,
    file_bytes=12 * MIB,
    log_bytes=64 * 1024,
)

Attempt = Callable[..., Outcome]


@pytest.fixture(scope="session")
def bubblewrap() -> Iterator[Backend]:
    backend = find_backend("bubblewrap")
    yield backend
    backend.close()


@pytest.fixture(scope="session")
def process() -> Backend:
    return find_backend("process")


def attempts(backend: Backend, warm: bool, folder: Path) -> Attempt:
    """Run a Python script as a job and return the outcome."""
    numbers = itertools.count()

    def attempt(script: str, policy: Policy = SMALL, **inputs: Path) -> Outcome:
        here = folder / str(next(numbers))
        here.mkdir()
        (here / "script.py").write_text(script)
        return backend.run(
            Job(
                "attempt",
                ("python", "-P", "{inputs}/script.py"),
                here / "job",
                inputs={"script.py": here / "script.py", **inputs},
                policy=replace(policy, trust="builtin" if warm else "untrusted"),
                warm="sandbox.canary:script" if warm else "",
            ),
            threading.Event(),
        )

    return attempt


@pytest.fixture(params=["fresh", "warm"])
def confined(request: pytest.FixtureRequest, bubblewrap: Backend, tmp_path: Path) -> Attempt:
    return attempts(bubblewrap, request.param == "warm", tmp_path)


@pytest.fixture
def fresh(bubblewrap: Backend, tmp_path: Path) -> Attempt:
    return attempts(bubblewrap, False, tmp_path)


@pytest.fixture
def unconfined(process: Backend, tmp_path: Path) -> Attempt:
    folder = tmp_path / "unconfined"
    folder.mkdir()
    return attempts(process, False, folder)


def until(true: Callable[[], object], wait_s: float = 15.0) -> None:
    end = time.monotonic() + wait_s
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.02)
