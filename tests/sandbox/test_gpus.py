"""GPUs are given by name of their devices, only where there are any, and never to a warm start."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.backend import Backend
from sandbox.backends.landlock import Landlock
from sandbox.backends.zygote import Zygotes
from sandbox.errors import BadInput, SandboxUnavailable
from sandbox.exec import execute
from sandbox.job import Job
from sandbox.launcher import Launcher
from sandbox.policy import Policy
from sandbox.view import gpus_bound


@pytest.fixture
def devices(tmp_path: Path) -> Path:
    """The devices of a machine with two GPUs."""
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "nvidia-uvm-tools"):
        (tmp_path / name).touch()
    return tmp_path


def test_only_the_devices_of_the_numbers_and_their_controls_are_bound(devices: Path) -> None:
    words = gpus_bound((1,), devices)
    bound = [words[at + 1] for at, word in enumerate(words) if word == "--dev-bind"]
    names = ("nvidia1", "nvidiactl", "nvidia-uvm", "nvidia-uvm-tools")
    assert bound == [str(devices / name) for name in names]
    assert words[-3:] == ["--ro-bind", "/sys", "/sys"]


def test_a_gpu_that_is_not_there_is_refused_in_one_sentence(devices: Path, tmp_path: Path) -> None:
    with pytest.raises(SandboxUnavailable, match=r"there is no .*nvidia7"):
        gpus_bound((7,), devices)
    with pytest.raises(SandboxUnavailable, match="landlock gives jobs no GPU"):
        execute(["true"], Policy(gpus=(0,)), Landlock(), tmp_path / "job")


@pytest.mark.skipif(Path("/dev/nvidiactl").exists(), reason="this machine has a GPU")
def test_bubblewrap_refuses_where_there_is_none(bubblewrap: Backend) -> None:
    with pytest.raises(SandboxUnavailable, match="GPUs were asked for"):
        execute(["true"], Policy(gpus=(0,)), bubblewrap)


def test_no_gpu_means_no_device_and_no_sys() -> None:
    assert gpus_bound(()) == []


def test_a_job_with_a_gpu_never_starts_warm(tmp_path: Path, launcher: Launcher) -> None:
    job = Job("x", (), tmp_path, policy=Policy(trust="builtin"), warm="sandbox.canary:main")
    assert Zygotes(launcher).fits(job)
    assert not Zygotes(launcher).fits(replace(job, policy=replace(job.policy, gpus=(0,))))


def test_a_policy_without_sense_is_refused() -> None:
    with pytest.raises(BadInput, match="no job gets a network"):
        Policy(network="host")  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="are no GPUs"):
        Policy(gpus=(-1,))


def test_the_terms_of_a_job_are_its_policy_and_what_it_reads(tmp_path: Path) -> None:
    job = Job("x", (), tmp_path)
    terms = {
        job.terms,
        replace(job, policy=Policy(gpus=(0,))).terms,
        replace(job, policy=Policy(wall_s=61.0)).terms,
        replace(job, inputs={"model": tmp_path}).terms,
    }
    assert len(terms) == 4
    assert replace(job, id="y", folder=tmp_path / "y").terms == job.terms
