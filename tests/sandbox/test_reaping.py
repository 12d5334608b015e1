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
from sandbox.launcher import Launcher
from sandbox.process_tree import tree
from tests.sandbox.conftest import SMALL, attempts, until


@pytest.fixture(autouse=True)
def kept() -> Iterator[None]:
    """Nothing is collected, so that nothing is reaped by chance."""
    gc.disable()
    yield
    gc.enable()


def children() -> dict[int, str]:
    """Processes called bwrap that descend from us, with their states."""
    found = {}
    for pid in tree(os.getpid()):
        try:
            text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        except OSError:
            continue
        head, _, rest = text.rpartition(")")
        if head.endswith("(bwrap"):
            found[pid] = rest.split()[0]
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


def test_a_sandbox_that_does_not_start_is_reaped(launcher: Launcher) -> None:
    before = children()
    with pytest.raises(SandboxUnavailable):
        enclose(
            ["/nowhere/to-be-found"],
            launcher=launcher,
            uid=job_uid(),
            binds=(),
            scratch_bytes=1 << 20,
        )
    until(lambda: children() == before)
