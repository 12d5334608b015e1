"""No process of a sandbox stays in the process table after its end, whatever ended it."""

from __future__ import annotations

import gc
import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from sandbox.backends.bubblewrap import Bubblewrap
from sandbox.enclosure import enclose, job_uid
from sandbox.errors import SandboxUnavailable
from tests.sandbox.conftest import SMALL, attempts


@pytest.fixture(autouse=True)
def kept() -> Iterator[None]:
    """Nothing is collected, so that nothing is reaped by chance."""
    gc.disable()
    yield
    gc.enable()


def children() -> dict[int, str]:
    """Our own processes called bwrap, with their states."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            head, _, rest = path.read_text(encoding="utf-8").rpartition(")")
        except OSError:
            continue
        state, parent = rest.split()[:2]
        if int(parent) == os.getpid() and head.endswith("(bwrap"):
            found[int(path.parent.name)] = state
    return found


@pytest.mark.parametrize("warm", [False, True])
def test_jobs_that_end_or_are_killed_are_reaped(tmp_path: Path, warm: bool) -> None:
    before = children().keys()
    with closing(Bubblewrap()) as backend:
        attempt = attempts(backend, warm, tmp_path)
        assert attempt("pass").verdict == "ok"
        assert attempt("import os; os.kill(os.getpid(), 9)").verdict != "ok"
        slow = SMALL.__class__(**{**SMALL.__dict__, "wall_s": 0.5})
        assert attempt("import time; time.sleep(30)", slow).limit == "wall"
        assert "Z" not in children().values()
    assert children().keys() == before


def test_a_warm_process_that_was_killed_is_reaped_before_the_next_job(tmp_path: Path) -> None:
    before = children().keys()
    with closing(Bubblewrap()) as backend:
        attempt = attempts(backend, True, tmp_path)
        assert attempt("pass").verdict == "ok"
        for init in backend.warm_processes():
            os.kill(init, signal.SIGKILL)
        assert attempt("pass").verdict == "ok"
        time.sleep(0.1)
        assert "Z" not in children().values()
    assert children().keys() == before


def test_a_sandbox_that_does_not_start_is_reaped() -> None:
    before = children()
    with pytest.raises(SandboxUnavailable):
        enclose(["/nowhere/to-be-found"], uid=job_uid(), binds=(), scratch_bytes=1 << 20)
    assert children() == before
