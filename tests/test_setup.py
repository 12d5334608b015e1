"""The wrapper at the root, on a small copy of the project whose interpreter only takes notes."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FAKE_PYTHON = """#!/bin/sh
echo "$*" >>"$CALLS"
case $* in
  *"import sys, venv, ensurepip"*) exit "${TOO_OLD:-0}" ;;
  --version) echo "Python ${TOO_OLD:+3.9}${TOO_OLD:-3.11.2}" ;;
  "-m venv "*) mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; cp "$FAKE_HANJI" "$3/bin/hanji" ;;
  "-m pip install"*)
    sleep "${SLOW:-0}"
    if [ -e "$BROKEN" ]; then echo "ERROR: no route to the index"; exit 1; fi ;;
esac
"""
FAKE_HANJI = """#!/bin/sh
printf '%s\\n' "$PWD" "$@"
exit "${ANSWER:-0}"
"""


class Clone:
    """A folder with the wrapper, and what its fake interpreter was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "my clone"
        self.folder.mkdir()
        shutil.copy(ROOT / "hanji", self.folder / "hanji")
        (self.folder / "pyproject.toml").write_text("[project]\n")
        (self.folder / "constraints.txt").write_text("rich==15\n")
        for name in ("agent", "tools", "sandbox", "papers"):
            (self.folder / name).mkdir()
        self.calls = folder / "calls"
        self.broken = folder / "broken"
        for name, text in (("fake-python", FAKE_PYTHON), ("fake-hanji", FAKE_HANJI)):
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHON": str(folder / "fake-python"),
            "FAKE_HANJI": str(folder / "fake-hanji"),
            "CALLS": str(self.calls),
            "BROKEN": str(self.broken),
            "HANJI_APT": "no",
        }

    def start(self, *arguments: str, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(self.folder / "hanji"), *arguments],
            env=self.environment | more,
            cwd=self.folder.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **more: str) -> tuple[int, str, str]:
        process = self.start(*arguments, **more)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def installs(self) -> list[str]:
        """What pip was asked to install, in order."""
        lines = self.calls.read_text().splitlines() if self.calls.exists() else []
        asked = [line.partition(" off ")[2] for line in lines if "pip install" in line]
        return [line.removeprefix("-e ").split()[0] for line in asked]


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def test_the_first_start_sets_up_in_numbered_steps_and_hands_on(clone: Clone) -> None:
    code, out, err = clone.run("run", "a question?", ANSWER="3")
    assert code == 3
    assert out.splitlines() == [str(clone.folder.parent), "run", "a question?"]
    assert "[4/4] Installing Hanji" in err
    assert clone.installs() == ["torch==2.13.0", "."]


def test_the_second_start_installs_nothing_and_says_nothing(clone: Clone) -> None:
    clone.run()
    clone.calls.unlink()
    _, _, err = clone.run("list")
    assert err == ""
    assert not clone.calls.exists()


def test_a_half_finished_set_up_goes_on_where_it_stopped(clone: Clone) -> None:
    clone.broken.touch()
    code, _, err = clone.run()
    assert code == 1
    assert "no route to the index" in err
    assert "Installing torch==2.13.0 failed" in err
    clone.broken.unlink()
    assert clone.run()[0] == 0
    assert clone.installs() == ["torch==2.13.0", "torch==2.13.0", "."]
    assert sum("-m venv" in line for line in clone.calls.read_text().splitlines()) == 1


@pytest.mark.slow
def test_two_set_ups_at_once_install_once(clone: Clone) -> None:
    both = [clone.start("list", SLOW="1") for _ in range(2)]
    said = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert len(clone.installs()) == 2
    assert sum("waiting for it" in err for _, err in said) == 1


def test_a_killed_set_up_leaves_no_lock_behind(clone: Clone) -> None:
    first = clone.start("list", SLOW="1")
    while not clone.installs():
        time.sleep(0.02)
    first.kill()
    first.communicate(timeout=60)
    assert clone.run("list")[0] == 0


def test_new_constraints_install_the_project_again_but_not_torch(clone: Clone) -> None:
    clone.run()
    (clone.folder / "constraints.txt").write_text("rich==16\n")
    clone.run()
    assert clone.installs() == ["torch==2.13.0", ".", "."]


def test_another_torch_stays_until_another_is_asked_for(clone: Clone) -> None:
    clone.run(TORCH="torch==2.14.0")
    clone.run()
    assert clone.installs() == ["torch==2.14.0", "."]


def test_testing_adds_the_developers_tools_once(clone: Clone) -> None:
    clone.run()
    clone.run("test", "-k", "x")
    clone.run("test")
    assert clone.installs() == ["torch==2.13.0", ".", ".[dev]"]


def test_an_interpreter_that_is_too_old_gets_one_clear_sentence(clone: Clone) -> None:
    code, _, err = clone.run(TOO_OLD="1")
    assert code == 1
    assert "Hanji needs Python 3.11 or newer" in err
    assert "apt-get install python3 python3-venv" in err
    assert clone.installs() == []


def test_a_folder_that_was_moved_gets_a_new_environment(clone: Clone) -> None:
    clone.run()
    moved = clone.folder.with_name("elsewhere")
    clone.folder.rename(moved)
    clone.folder = moved
    clone.run()
    assert len(clone.installs()) == 4


def test_whoever_may_not_write_there_can_use_it_but_not_set_it_up(clone: Clone) -> None:
    clone.run()
    drop: list[str] = []
    if os.getuid() == 0:
        drop = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    state = clone.folder / ".venv" / ".setup"
    for parent in clone.folder.parents:
        if parent == Path(tempfile.gettempdir()):
            break
        parent.chmod(parent.stat().st_mode | 0o755)
    state.chmod(0o555)
    command = [*drop, str(clone.folder / "hanji"), "list"]

    def use() -> subprocess.CompletedProcess[str]:
        environment = clone.environment
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, cwd="/", check=False
        )

    done = use()
    assert (done.returncode, done.stdout.splitlines()) == (0, ["/", "list"])
    (clone.folder / "constraints.txt").write_text("rich==16\n")
    done = use()
    state.chmod(0o755)
    assert done.returncode == 1
    assert "you may not write there" in done.stderr
