"""A machine that cannot confine says why, and what to do, from bubblewrap's own words."""

from __future__ import annotations

import ctypes.util
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox import enclosure, seccomp
from sandbox.enclosure import enclose
from sandbox.errors import SandboxUnavailable
from sandbox.launcher import Launcher

Refusal = Callable[..., SandboxUnavailable]
REFUSALS = {
    "bwrap: setting up uid map: Permission denied": "user.max_user_namespaces",
    "bwrap: No permissions to create new namespace, likely because the kernel does not allow "
    "non-privileged user namespaces": "--sandbox landlock",
    "bwrap: Creating new namespace failed: Operation not permitted": "--privileged",
    "bwrap: Unknown option --disable-userns": "bubblewrap 0.7 or newer",
    "bwrap: something nobody thought of": "hanji doctor",
}


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, launcher: Launcher) -> Refusal:
    """Ask a bubblewrap that says no, as an ordinary person."""

    def refusal(says: str, apparmor: str = "") -> SandboxUnavailable:
        bwrap = tmp_path / "bwrap"
        bwrap.write_text(f"#!/bin/sh\necho '{says}' >&2\nexit 1\n")
        bwrap.chmod(0o755)
        (tmp_path / "apparmor").write_text(apparmor)
        monkeypatch.setattr(enclosure, "PROGRAMS", f"{tmp_path}:{enclosure.PROGRAMS}")
        monkeypatch.setattr(enclosure, "APPARMOR_SETTING", tmp_path / "apparmor")
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        with pytest.raises(SandboxUnavailable) as told:
            enclose(["true"], launcher=launcher, uid=os.getuid(), binds=(), scratch_bytes=1 << 20)
        monkeypatch.undo()
        return told.value

    return refusal


@pytest.mark.parametrize("says", REFUSALS)
def test_the_mend_fits_what_bubblewrap_said(says: str, refused: Refusal) -> None:
    told = refused(says)
    assert says in told.what
    assert REFUSALS[says] in told.fix


def test_apparmor_of_ubuntu_is_named_with_a_profile_to_paste(refused: Refusal) -> None:
    told = refused("bwrap: setting up uid map: Permission denied", apparmor="1\n")
    assert "AppArmor forbids user namespaces to bwrap" in told.fix
    assert "profile bwrap /usr/bin/bwrap flags=(unconfined)" in told.fix
    assert "sudo apparmor_parser -r /etc/apparmor.d/bwrap" in told.fix
    quoted = told.fix.split("printf '")[1].split("'")[0]
    assert quoted.replace("\\n", "\n").count("{") == quoted.count("}") == 1


def test_apparmor_that_forbids_nothing_is_not_blamed(refused: Refusal) -> None:
    told = refused("bwrap: setting up uid map: Permission denied", apparmor="0\n")
    assert "AppArmor" not in told.fix


def test_a_machine_without_bubblewrap_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, launcher: Launcher
) -> None:
    monkeypatch.setattr(enclosure, "PROGRAMS", str(tmp_path))
    with pytest.raises(SandboxUnavailable, match=r"bwrap is not installed.*apt install bubblewrap"):
        enclose(["true"], launcher=launcher, uid=1000, binds=(), scratch_bytes=1 << 20)


def test_a_machine_without_libseccomp_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "pyseccomp", raising=False)
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: None)
    told = without_a_filter()
    assert "libseccomp" in told.what
    assert "sudo apt install libseccomp2" in told.fix


def test_a_machine_without_pyseccomp_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pyseccomp", None)
    assert "`pip install pyseccomp`" in without_a_filter().fix


def without_a_filter() -> SandboxUnavailable:
    """What is said where no program can be made."""
    for program in (seccomp.seccomp_program, seccomp.shared_view_program):
        program.cache_clear()
    with pytest.raises(SandboxUnavailable, match="system calls cannot be filtered"):
        seccomp.shared_view_program(True)
    with pytest.raises(SandboxUnavailable) as told:
        seccomp.seccomp_program()
    return told.value
