"""Folders for a while: what a killed harness left goes, what anybody else has stays."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.scratch import PREFIX, Scratch, scratch
from tests.sandbox.conftest import until

HOLDER = """
import sys, tempfile, time
from sandbox.scratch import Scratch
tempfile.tempdir = sys.argv[1]
made = Scratch.make("test")
(made.path / "file").write_text("held")
print(made.path, flush=True)
time.sleep(60)
"""
INHERITOR = HOLDER.replace(
    "print(",
    "import os, subprocess\n"
    "subprocess.Popen(['sleep', '60'], pass_fds=(made.lock,), stdout=subprocess.DEVNULL)\nprint(",
)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files are."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def holder(place: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Path, object]]:
    """A folder and the living process that made it."""
    script = getattr(request, "param", HOLDER)
    command = [sys.executable, "-c", script, str(place)]
    home = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=home, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield Path(process.stdout.readline().strip()), process
        process.kill()


def test_it_is_gone_after_its_block_whatever_is_in_it(place: Path) -> None:
    with scratch("test") as folder:
        shut = folder / "shut"
        (shut / "below").mkdir(parents=True)
        (shut / "below" / "file").touch()
        shut.chmod(0o000)
        assert folder.parent == place
        assert folder.stat().st_mode & 0o777 == 0o700
    assert list(place.iterdir()) == []


def test_it_is_gone_after_an_error(place: Path) -> None:
    with pytest.raises(ZeroDivisionError), scratch("test"):
        raise ZeroDivisionError
    assert list(place.iterdir()) == []


def test_what_a_killed_process_left_goes_when_the_next_folder_is_made(
    holder: tuple[Path, subprocess.Popen[str]],
) -> None:
    folder, process = holder
    process.kill()
    process.wait()
    assert folder.exists()
    with scratch("another"):
        assert not folder.exists()


def test_what_a_living_process_has_stays(holder: tuple[Path, object]) -> None:
    folder, _ = holder
    with scratch("another"):
        assert (folder / "file").read_text() == "held"


@pytest.mark.parametrize("holder", [INHERITOR], indirect=True)
def test_what_a_child_of_a_killed_process_has_stays_until_it_ends(
    holder: tuple[Path, subprocess.Popen[str]],
) -> None:
    folder, process = holder
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.kill()
    process.wait()
    with scratch("another"):
        assert folder.exists()
    for child in children:
        os.kill(int(child), 9)
    until(lambda: not any(Path(f"/proc/{child}/exe").exists() for child in children))
    with scratch("another"):
        assert not folder.exists()


def test_a_folder_that_is_only_called_alike_stays(place: Path) -> None:
    for name in ("hanji-notes", "hanji-clone-x", f"{PREFIX}test-abc", f"my-{PREFIX}test-abcdefgh"):
        (place / name).mkdir()
    (place / f"{PREFIX}file-abcdefgh").write_text("a file")
    kept = set(place.iterdir())
    with scratch("test"):
        pass
    assert set(place.iterdir()) == kept


def test_a_link_that_is_called_so_is_not_followed(place: Path) -> None:
    (place / "own").mkdir()
    (place / "own" / "file").touch()
    link = place / f"{PREFIX}test-abcdefgh"
    link.symlink_to(place / "own")
    with scratch("test"):
        assert (place / "own" / "file").exists()
        assert link.is_symlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder of somebody else's")
def test_a_folder_of_another_person_stays(place: Path) -> None:
    theirs = place / f"{PREFIX}test-abcdefgh"
    theirs.mkdir()
    os.chown(theirs, 12345, 12345)
    with scratch("test"):
        assert theirs.exists()


def test_a_folder_swept_before_it_was_locked_is_made_anew(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, made = tempfile.mkdtemp, []

    def swept_once(prefix: str, dir: Path) -> str:
        made.append(make(prefix=prefix, dir=dir))
        if len(made) == 1:
            Path(made[0]).rmdir()
        return made[-1]

    monkeypatch.setattr(tempfile, "mkdtemp", swept_once)
    one = Scratch.make("test")
    assert len(made) == 2
    assert one.path == Path(made[1])
    one.remove()
