"""Jobs in parallel on this machine, and what is left of them on disk."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import venv
from concurrent.futures import CancelledError, wait
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.backend import Backend, find_backend, known_backends
from sandbox.backends import zygote
from sandbox.backends.bubblewrap import Bubblewrap
from sandbox.errors import SandboxError, SandboxUnavailable, UnknownName
from sandbox.exec import execute
from sandbox.executors.local import LocalExecutor
from sandbox.job import Job
from sandbox.paths import read_outcome
from sandbox.policy import Policy
from tests.sandbox.conftest import until

pytestmark = pytest.mark.slow  # they start processes, one after another

WARM = "sandbox.canary:script"


def job(folder: Path, script: str, warm: str = "", **inputs: Path) -> Job:
    folder.mkdir(parents=True)
    (folder / "script.py").write_text(script)
    return Job(
        folder.name,
        ("python", "-P", "{inputs}/script.py"),
        folder,
        inputs={"script.py": folder / "script.py", **inputs},
        policy=Policy(trust="builtin" if warm else "untrusted", wall_s=20),
        warm=warm,
    )


def printed(folder: Path) -> str:
    log = folder / "stdout.log"
    return log.read_text() if log.exists() else ""


@pytest.mark.parametrize("warm", ["", WARM])
def test_as_many_jobs_run_at_once_as_there_are_slots(warm: str, tmp_path: Path) -> None:
    with LocalExecutor(find_backend("bubblewrap"), 4) as executor:
        executor.submit(job(tmp_path / "first", "pass", warm)).result()
        began = time.monotonic()
        script = "import time; time.sleep(1)"
        futures = [executor.submit(job(tmp_path / str(n), script, warm)) for n in range(4)]
        assert {future.result().verdict for future in futures} == {"ok"}
        assert time.monotonic() - began < 3


def test_an_outcome_is_found_on_disk_as_it_was_returned(tmp_path: Path) -> None:
    with LocalExecutor(find_backend("bubblewrap"), 1) as executor:
        one = job(tmp_path / "one", "open('result.json', 'w').write('{}'); print('hello')")
        outcome = executor.submit(one).result()
    assert read_outcome(one.folder) == outcome
    assert (one.folder / "stdout.log").read_text() == "hello\n"
    assert read_outcome(tmp_path) is None


def test_cancelling_kills_what_runs_and_forgets_what_waits(tmp_path: Path) -> None:
    with LocalExecutor(find_backend("bubblewrap"), 1) as executor:
        script = "import time; print('up', flush=True); time.sleep(30)"
        running = executor.submit(job(tmp_path / "running", script))
        waiting = executor.submit(job(tmp_path / "waiting", script))
        until(lambda: printed(tmp_path / "running"))
        executor.cancel()
        assert running.result().limit == "cancelled"
        with pytest.raises(CancelledError):
            waiting.result()


def test_a_job_that_comes_after_cancelling_is_cancelled_too(tmp_path: Path) -> None:
    with LocalExecutor(find_backend("bubblewrap"), 1) as executor:
        executor.cancel()
        late = executor.submit(job(tmp_path / "late", "pass"))
        assert wait([late], timeout=5).done == {late}
        with pytest.raises(CancelledError):
            late.result()


def test_a_fault_of_the_harness_ends_one_job_and_says_so(tmp_path: Path) -> None:
    with LocalExecutor(find_backend("bubblewrap"), 1) as executor:
        one = job(tmp_path / "one", "pass")
        (one.folder / "stdout.log").mkdir()  # where the harness wants to write the log
        outcome = executor.submit(one).result()
        assert outcome.verdict == "failed"
        assert outcome.reason.startswith("the sandbox itself failed: IsADirectoryError")
        assert read_outcome(one.folder) == outcome
        assert executor.submit(job(tmp_path / "two", "pass")).result().verdict == "ok"


def test_a_missing_input_is_an_error_not_an_outcome(tmp_path: Path) -> None:
    with LocalExecutor(find_backend("bubblewrap"), 1) as executor:
        one = job(tmp_path / "one", "pass", model=tmp_path / "nowhere")
        with pytest.raises(SandboxError, match="input model cannot be read"):
            executor.submit(one).result()


@pytest.mark.parametrize("warm", ["", WARM])
def test_links_in_the_inputs_arrive_as_files_and_private_files_are_readable(
    warm: str, bubblewrap: Backend, tmp_path: Path
) -> None:
    hub = tmp_path / "hub"
    (hub / "snapshot").mkdir(parents=True)
    (hub / "blob").write_text("weights")
    (hub / "blob").chmod(0o600)
    (hub / "snapshot" / "model").symlink_to("../blob")
    script = "import shutil; shutil.copyfile('/job/inputs/snapshot/model', 'result.json')"
    one = job(tmp_path / "one", script, warm, snapshot=hub / "snapshot")
    outcome = bubblewrap.run(one, threading.Event())
    assert outcome.outputs["result.json"].path.read_text() == "weights", outcome.stderr_tail
    assert not list(one.folder.glob("hanji-*"))


def test_a_private_input_arrives_when_the_folders_are_given_relative(
    bubblewrap: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    private = Path("private")
    private.write_text("hello")
    private.chmod(0o600)
    one = job(Path("one"), "print(open('/job/inputs/private').read())", private=private)
    assert bubblewrap.run(one, threading.Event()).stdout_tail == "hello\n"


def test_output_can_be_followed_while_the_job_runs(tmp_path: Path) -> None:
    with LocalExecutor(find_backend("bubblewrap"), 1) as executor:
        script = "import time\nprint('early', flush=True)\ntime.sleep(5)"
        executor.submit(job(tmp_path / "one", script, WARM))
        until(lambda: printed(tmp_path / "one") == "early\n", wait_s=5)


@pytest.mark.parametrize("warm", ["", WARM])
def test_an_environment_below_tmp_is_in_sight_for_late_imports_and_read_only(
    warm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Path(tempfile.mkdtemp(dir="/tmp", prefix="hanji-environment-"))
    home.chmod(0o755)
    monkeypatch.setattr(sys, "prefix", str(home))
    monkeypatch.setattr(sys, "executable", str(home / "bin" / "python"))
    try:
        venv.create(home, symlinks=True)
        (late,) = home.glob("lib/python*/site-packages")
        (late / "late.py").write_text("HERE = 7\n")
        script = (
            "import late, sys, pathlib\n"
            "try:\n    pathlib.Path(late.__file__).with_name('x').write_text('')\n"
            "except OSError as error:\n    print(late.HERE, error.strerror)\n"
        )
        backend = Bubblewrap()
        with LocalExecutor(backend, 1) as executor:
            outcome = executor.submit(job(tmp_path / "late", script, warm)).result()
            assert bool(backend.warm_processes()) == bool(warm)
    finally:
        shutil.rmtree(home)
    assert outcome.verdict == "ok", outcome.stderr_tail
    assert outcome.stdout_tail.split("\n")[0] == "7 Read-only file system"


def test_a_dead_warm_process_is_replaced(tmp_path: Path) -> None:
    backend = Bubblewrap()
    with LocalExecutor(backend, 1) as executor:
        assert executor.submit(job(tmp_path / "one", "pass", WARM)).result().verdict == "ok"
        assert backend.warm_processes()
        for pid in backend.warm_processes():
            os.kill(pid, signal.SIGKILL)
        assert executor.submit(job(tmp_path / "two", "pass", WARM)).result().verdict == "ok"
        assert executor.submit(job(tmp_path / "three", "pass", WARM)).result().verdict == "ok"


def test_a_job_whose_warm_process_is_killed_under_it_runs_again_in_a_sandbox_of_its_own(
    tmp_path: Path,
) -> None:
    backend = Bubblewrap()
    with LocalExecutor(backend, 1) as executor:
        one = job(tmp_path / "one", "import time; print('up', flush=True); time.sleep(0.5)", WARM)
        future = executor.submit(one)
        until(lambda: printed(one.folder))
        (pid,) = backend.warm_processes()
        os.kill(pid, signal.SIGKILL)
        outcome = future.result()
    assert (outcome.verdict, outcome.stdout_tail) == ("ok", "up\n"), outcome.reason


def test_untrusted_code_never_starts_warm(tmp_path: Path) -> None:
    backend = Bubblewrap()
    with LocalExecutor(backend, 1) as executor:
        one = job(tmp_path / "one", "pass", WARM)
        untrusted = replace(one, policy=Policy())
        assert executor.submit(untrusted).result().verdict == "ok"
        assert backend.warm_processes() == []


def test_a_kernel_that_refuses_cells_gets_a_sandbox_per_job_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise SandboxUnavailable("unshare: Operation not permitted")

    monkeypatch.setattr(zygote, "enclose", refuse)
    backend = Bubblewrap()
    with LocalExecutor(backend, 1) as executor:
        assert (
            executor.submit(job(tmp_path / "one", "pass", WARM)).result().isolation == "bubblewrap"
        )
        found = backend.probe()
    assert found.confined
    assert not found.warm
    assert "unshare: Operation not permitted" in found.notes[0]


def test_a_machine_without_bubblewrap_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, path: None)
    with (
        LocalExecutor(find_backend("bubblewrap"), 1) as executor,
        pytest.raises(SandboxUnavailable, match="apt install bubblewrap"),
    ):
        executor.submit(job(tmp_path / "one", "pass")).result()


def test_any_command_of_the_system_runs(bubblewrap: Backend, process: Backend) -> None:
    for backend in (bubblewrap, process):
        outcome = execute(["ls", "-d", "/usr"], Policy(), backend)
        assert (outcome.verdict, outcome.stdout_tail) == ("ok", "/usr\n")
        assert execute(["no-such-command"], Policy(), backend).exit_code == 127


def test_an_unknown_backend_answers_with_the_known_ones() -> None:
    assert known_backends() == ["bubblewrap", "landlock", "process"]
    with pytest.raises(UnknownName, match="known: bubblewrap, landlock, process"):
        find_backend("magic")
