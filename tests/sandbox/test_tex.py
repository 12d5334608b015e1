"""TeX is untrusted too: it is held by its own settings, and by the sandbox without them."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from papers.latex.compile import _SCRIPT
from sandbox.backend import Backend
from sandbox.job import Job
from sandbox.outcome import Outcome
from sandbox.policy import Policy
from tests.sandbox.attacks.ground import Ground, ground_in
from tests.sandbox.attacks.registry import TEX_LOOP, TEX_READ, TEX_SHELL, TEX_WRITE
from tests.sandbox.levels import CONTROL, Level, level_names, open_level
from tests.sandbox.recording import Record, record

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("latexmk") is None, reason="latexmk is not installed"),
]

BEFORE = r"\documentclass{article}\usepackage{amsmath}\begin{document}"
AFTER = r"x\end{document}"
POLICY = Policy(wall_s=120, cpu_s=60, outputs=("paper.pdf", "paper.log"))
UNGUARDED = {
    "-no-shell-escape": "-shell-escape",
    "shell_escape=f": "shell_escape=t",
    "openin_any=p": "openin_any=a",
    "openout_any=p": "openout_any=a",
}
LOOP = r"\def\x{\x}\x{}"
REACHES = {
    TEX_SHELL.name: (
        r"\immediate\write18{touch <folder>/hanji-intruder}",
        "a folder of the harness",
    ),
    TEX_READ.name: (
        r"\newread\f\openin\f=<secret> \ifeof\f\else\read\f to\x\typeout{\x}\fi",
        "loot",
    ),
    TEX_WRITE.name: (
        r"\newwrite\f\immediate\openout\f=<folder>/hanji-intruder.tex "
        r"\immediate\write\f{x}\immediate\closeout\f",
        "a folder of the harness",
    ),
}


@pytest.fixture(scope="module", params=[n for n in level_names() if not n.endswith("warm")])
def fresh_level(request: pytest.FixtureRequest) -> Iterator[Level]:
    """TeX never starts warm."""
    level = open_level(request.param)
    yield level
    level.backend.close()


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    with ground_in(tmp_path) as ground:
        yield ground


def compiled(
    body: str, ground: Ground, backend: Backend, guarded: bool = True, policy: Policy = POLICY
) -> Outcome:
    paper = ground.folder / "paper"
    paper.mkdir(exist_ok=True)
    (paper / "paper.tex").write_text(BEFORE + ground.fill(body) + AFTER)
    script = _SCRIPT
    for guard, opened in UNGUARDED.items():
        assert guard in script
        script = script if guarded else script.replace(guard, opened)
    left = ground.folder / f"guarded-{guarded}"
    job = Job("tex", ("sh", "-c", script), left, inputs={"paper": paper}, policy=policy)
    return backend.run(job, threading.Event())


def proofs(outcome: Outcome, ground: Ground) -> list[str]:
    """What shows that it worked."""
    return ["loot"] * (ground.treasure in outcome.stdout_tail) + ground.touched()


def keep(into: Record, case: str, level: str, what: str) -> None:
    """The row of this level, and what it means for warm starts."""
    record(into, case, level, "yes", what)
    for name in level_names():
        if name.startswith(f"{level}, "):
            record(into, case, name, "yes", "TeX never starts warm")


def test_a_paper_is_compiled(fresh_level: Level, ground: Ground) -> None:
    outcome = compiled(r"$$\int_0^1 x\,dx = \tfrac12$$", ground, fresh_level.backend)
    assert outcome.verdict == "ok", outcome.stdout_tail
    assert outcome.outputs["paper.pdf"].path.read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("case", REACHES)
def test_tex_reaches_nothing_outside(
    case: str, fresh_level: Level, ground: Ground, record_property: Record
) -> None:
    body, _ = REACHES[case]
    for guarded in (True, False):
        outcome = compiled(body, ground, fresh_level.backend, guarded)
        assert "This is pdfTeX" in outcome.stdout_tail
        assert proofs(outcome, ground) == []
    keep(record_property, case, fresh_level.name, "denied, with TeX's own guards and without")


@pytest.mark.parametrize("case", REACHES)
def test_tex_without_its_guards_reaches_what_is_outside_of_no_sandbox(
    case: str, process: Backend, ground: Ground, record_property: Record
) -> None:
    body, proof = REACHES[case]
    assert proof not in proofs(compiled(body, ground, process), ground)
    assert proof in proofs(compiled(body, ground, process, guarded=False), ground)
    record(record_property, case, CONTROL, "no", "it works, without TeX's own guards")


def test_an_endless_loop_is_killed(
    fresh_level: Level, ground: Ground, record_property: Record
) -> None:
    outcome = compiled(LOOP, ground, fresh_level.backend, policy=replace(POLICY, cpu_s=1.5))
    assert (outcome.verdict, outcome.limit) == ("killed", "cpu")
    keep(record_property, TEX_LOOP.name, fresh_level.name, "killed: cpu")


def test_an_endless_loop_goes_on_while_nothing_ends_it(
    process: Backend, ground: Ground, record_property: Record
) -> None:
    outcome = compiled(LOOP, ground, process, policy=replace(POLICY, cpu_s=3.0))
    assert outcome.cpu_s > 2.0
    record(record_property, TEX_LOOP.name, CONTROL, "no", "it works until its limit is reached")
