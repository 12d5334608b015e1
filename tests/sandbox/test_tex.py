"""TeX is untrusted too, and runs in the same sandbox."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest

from sandbox.backend import Backend
from sandbox.job import Job
from sandbox.outcome import Outcome
from sandbox.policy import Policy

needs_tex = pytest.mark.skipif(shutil.which("latexmk") is None, reason="latexmk is not installed")

BEFORE = r"\documentclass{article}\usepackage{amsmath}\begin{document}"
AFTER = r"\end{document}"
POLICY = Policy(wall_s=60, cpu_s=60, outputs=("paper.pdf", "paper.log"))


def compiled(body: str, folder: Path, backend: Backend, policy: Policy = POLICY) -> Outcome:
    (folder / "paper.tex").write_text(BEFORE + body + AFTER)
    command = (
        "sh",
        "-c",
        "cp {inputs}/paper.tex . && exec env openin_any=p openout_any=p "
        "latexmk -pdf -interaction=nonstopmode -halt-on-error -no-shell-escape paper.tex",
    )
    job = Job(
        "tex", command, folder / "job", inputs={"paper.tex": folder / "paper.tex"}, policy=policy
    )
    return backend.run(job, threading.Event())


@needs_tex
def test_a_paper_is_compiled(bubblewrap: Backend, tmp_path: Path) -> None:
    outcome = compiled(r"$$\int_0^1 x\,dx = \tfrac12$$", tmp_path, bubblewrap)
    assert outcome.verdict == "ok", outcome.stdout_tail
    assert outcome.outputs["paper.pdf"].path.read_bytes().startswith(b"%PDF")


@needs_tex
def test_a_shell_escape_does_nothing(bubblewrap: Backend, tmp_path: Path) -> None:
    outcome = compiled(r"x\immediate\write18{echo broken-out >&2}", tmp_path, bubblewrap)
    assert "broken-out" not in outcome.stderr_tail


@needs_tex
def test_files_outside_cannot_be_read_or_written(bubblewrap: Backend, tmp_path: Path) -> None:
    reading = compiled(r"\input{/etc/passwd}", tmp_path, bubblewrap)
    assert reading.verdict == "failed"
    writing = compiled(r"\newwrite\w\immediate\openout\w=/tmp/out", tmp_path, bubblewrap)
    assert writing.verdict == "failed"


@needs_tex
def test_an_endless_loop_is_killed(bubblewrap: Backend, tmp_path: Path) -> None:
    policy = Policy(wall_s=60, cpu_s=1.5)
    outcome = compiled(r"\def\x{\x}\x", tmp_path, bubblewrap, policy)
    assert (outcome.verdict, outcome.limit) == ("killed", "cpu")
