"""`hanji sandbox`, `hanji doctor` and `hanji merge`, on this machine's own bubblewrap."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from agent import doctor
from agent.doctor import Check, healthy

pytestmark = pytest.mark.slow  # they start processes, one after another

HANJI = Path(sys.executable).parent / "hanji"


def sandbox_exec(*arguments: str) -> tuple[int, dict[str, object]]:
    """Exit code and verdict of `hanji sandbox exec --json`."""
    command = [str(HANJI), "sandbox", "exec", "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_a_command_that_ends_well_is_ok_and_its_output_comes_back() -> None:
    code, said = sandbox_exec("--", "sh", "-c", "echo 한지; echo oops >&2")
    assert (code, said["verdict"], said["exit_code"]) == (0, "ok", 0)
    assert (said["stdout"], said["stderr"]) == ("한지\n", "oops\n")
    assert said["isolation"] == "bubblewrap"


def test_a_command_that_fails_is_failed_with_its_exit_code() -> None:
    code, said = sandbox_exec("--", "sh", "-c", "exit 7")
    assert (code, said["verdict"], said["exit_code"]) == (1, "failed", 7)


@pytest.mark.parametrize(
    ("limits", "script", "limit"),
    [
        (["--wall", "1s"], "sleep 30", "wall"),
        (["--memory", "64MiB"], "head -c 300m /dev/zero | tail >/dev/null", "memory"),
        (["--disk", "4MiB"], "head -c 6m /dev/zero >a", "disk"),
    ],
    ids=["wall", "memory", "disk"],
)
def test_a_command_over_its_limit_ends_and_the_limit_is_named(
    limits: list[str], script: str, limit: str
) -> None:
    code, said = sandbox_exec(*limits, "--", "sh", "-c", script)
    assert (code, said["limit"]) == (1, limit)
    assert said["verdict"] != "ok"


def test_options_after_the_command_belong_to_it() -> None:
    assert sandbox_exec("--", "echo", "--wall", "--json")[1]["stdout"] == "--wall --json\n"


def test_output_cannot_drive_the_terminal() -> None:
    script = r"printf 'a\033[2Jb\r\n'; printf '\007' >&2"
    command = [str(HANJI), "sandbox", "exec", "--", "sh", "-c", script]
    done = subprocess.run(command, capture_output=True, check=True)
    assert done.stdout == b"a\\x1b[2Jb\\x0d\n"
    assert done.stderr.startswith(b"\\x07ok: ")


def test_probe_says_what_is_enforced() -> None:
    command = [str(HANJI), "sandbox", "probe", "--json"]
    said = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert said["confined"] is all(said["enforced"].values())
    assert said["enforced"]["network_denied"] is True


def test_doctor_names_what_is_missing_and_the_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    tex, korean, bubblewrap = doctor._tex(), doctor._korean(), doctor._bubblewrap()
    assert tex.state == "missing"
    assert "texlive-latex-extra" in tex.fix
    assert bubblewrap.state == "missing"
    assert bubblewrap.fix == "apt-get install bubblewrap"
    assert korean.state == "unchecked"


def test_doctor_does_not_take_a_program_that_cannot_start_for_a_good_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("bwrap", "pdflatex", "latexmk"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    styles = "\n".join(f"echo /{name}" for name in doctor.STYLES)
    (tmp_path / "kpsewhich").write_text(f"#!/bin/sh\n{styles}\n")
    (tmp_path / "kpsewhich").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert doctor._bubblewrap().state == "missing"
    assert doctor._tex().state == "missing"


def test_doctor_is_content_only_when_all_that_is_required_was_seen() -> None:
    good = Check("a", "ok", "", required=True)
    assert healthy([good, Check("b", "missing", "")])
    assert not healthy([good, Check("b", "unchecked", "", required=True)])


def test_doctor_finds_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert doctor._writable("runs folder", tmp_path / "file").state == "missing"
    assert doctor._writable("runs folder", tmp_path / "new" / "runs").state == "ok"


@pytest.mark.slow
def test_doctor_looks_at_everything_here(tmp_path: Path) -> None:
    command = [str(HANJI), "doctor", "--json", "--runs", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = json.loads(done.stdout)
    states = {check["name"]: check["state"] for check in said["checks"]}
    assert done.returncode == (0 if said["ok"] else 1)
    assert states["torch"] == states["python"] == "ok"
    assert all(check["fix"] for check in said["checks"] if check["state"] == "missing")


def test_a_wrong_recipe_gets_one_sentence(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("models: [{model: a}]\nmerge_method: blend\n")
    command = [str(HANJI), "merge", str(recipe), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "unknown merge method 'blend'" in done.stderr
    assert "known: " in done.stderr
    assert not (tmp_path / "out").exists()
