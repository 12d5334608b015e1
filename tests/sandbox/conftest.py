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
from sandbox.landlock import kernel_abi
from sandbox.launcher import Launcher
from sandbox.outcome import Outcome
from sandbox.policy import Policy
from tests.sandbox.attacks.attack import SMALL
from tests.sandbox.levels import Level, level_params, open_level

Attempt = Callable[..., Outcome]


@pytest.fixture(scope="session")
def bubblewrap() -> Iterator[Backend]:
    backend = find_backend("bubblewrap")
    yield backend
    backend.close()


@pytest.fixture
def launcher() -> Iterator[Launcher]:
    launcher = Launcher()
    yield launcher
    launcher.close()


@pytest.fixture(scope="session")
def process() -> Backend:
    return find_backend("process")


@pytest.fixture(scope="session", params=level_params())
def level(request: pytest.FixtureRequest) -> Iterator[Level]:
    """Every way in which a job can be confined here."""
    if request.param == "landlock" and kernel_abi() == 0:
        pytest.skip("landlock: this kernel has no Landlock")
    level = open_level(request.param)
    yield level
    level.backend.close()


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
