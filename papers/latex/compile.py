"""From the source to the PDF: latexmk, as an untrusted job in the sandbox."""

from __future__ import annotations

import shutil
import subprocess
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from papers.latex.log import first_error, problems
from sandbox.errors import TexFailed, TexMissing
from sandbox.job import Job
from sandbox.outcome import Outcome
from sandbox.policy import MIB, Policy
from sandbox.scratch import scratch

PACKAGES = (
    "texlive-latex-recommended texlive-fonts-recommended texlive-latex-extra texlive-science "
    "texlive-pictures lmodern latexmk"
)
KOREAN_PACKAGE = "texlive-lang-korean"
_LIMITS = Policy(
    trust="untrusted",
    wall_s=180.0,
    cpu_s=180.0,
    memory_bytes=1536 * MIB,
    disk_bytes=128 * MIB,
    outputs=("paper.pdf", "paper.log", "paper.blg"),
)
# TeX may read and write below its folder only, runs no commands, and stamps a fixed date.
# Without long log lines its warnings would be broken in the middle. Never redirect into paper.out:
# hyperref reads that file. Modes are changed only where they must be: not every sandbox lets them.
_SCRIPT = """
cp -R {inputs}/paper/. {work}/ && find {work} ! -perm -u+w -exec chmod u+w {} + && \
cd {work} && exec env \
HOME={work} TEXMFVAR={work}/.texmf TEXMFHOME={work}/.texmf openin_any=p openout_any=p \
max_print_line=10000 SOURCE_DATE_EPOCH=0 FORCE_SOURCE_DATE=1 shell_escape=f TZ=UTC LC_ALL=C \
latexmk -norc -pdf -interaction=nonstopmode -halt-on-error -no-shell-escape paper.tex
"""


class Executor(Protocol):
    """What runs jobs, as sandbox.executors.local.LocalExecutor does."""

    def submit(self, job: Job) -> Future[Outcome]:
        """Queue a job."""
        ...


@dataclass(frozen=True)
class Compiled:
    """problems: what the logs complain about. isolation: the backend that ran TeX."""

    pdf: Path
    problems: tuple[str, ...]
    isolation: str


def require_tex() -> None:
    """Raise TexMissing, with the packages to install, unless this machine has TeX and latexmk."""
    missing = [name for name in ("latexmk", "pdflatex", "bibtex") if shutil.which(name) is None]
    if missing:
        raise TexMissing(f"no {', '.join(missing)} on this machine", f"apt install {PACKAGES}")


def has_package(file: str) -> bool:
    """Whether this TeX has a file such as `kotex.sty`. False without TeX."""
    program = shutil.which("kpsewhich")
    if program is None:
        return False
    found = subprocess.run([program, file], capture_output=True, check=False, timeout=30)
    return found.returncode == 0 and bool(found.stdout.strip())


def compile_pdf(folder: Path, executor: Executor) -> Compiled:
    """Set `folder/paper.tex` with references.bib and figures/ beside it; leave `folder/paper.pdf`.

    The same source gives the same bytes. Raises TexMissing, and TexFailed with TeX's first error.
    """
    require_tex()
    with scratch("tex") as place:
        source = _source(folder, place / "paper")
        left = place / "job"
        left.mkdir()
        job = Job(
            id="paper", command=("/bin/sh", "-c", _SCRIPT), folder=left,
            inputs={"paper": source}, policy=_LIMITS,
        )  # fmt: skip
        outcome = executor.submit(job).result()
        log, bibtex_log = _text(outcome, "paper.log"), _text(outcome, "paper.blg")
        made = outcome.outputs.get("paper.pdf")
        if outcome.verdict != "ok" or made is None:
            said = outcome.stderr_tail.strip().rpartition("\n")[2]
            what = first_error(log) or f"{outcome.reason}: {said}".rstrip(": ")
            raise TexFailed(f"TeX made no PDF: {what}", "see paper.tex; the HTML page is complete")
        pdf = folder / "paper.pdf"
        part = folder / ".paper.pdf.part"
        shutil.copyfile(made.path, part)
        part.replace(pdf)
    return Compiled(pdf, problems(log, bibtex_log), outcome.isolation)


def _source(folder: Path, into: Path) -> Path:
    """Only what TeX needs, in a folder of its own: nothing else of the run enters the job."""
    (into / "figures").mkdir(parents=True)
    for name in ("paper.tex", "references.bib"):
        shutil.copyfile(folder / name, into / name)
    for picture in sorted((folder / "figures").glob("*.pdf")):
        shutil.copyfile(picture, into / "figures" / picture.name)
    return into


def _text(outcome: Outcome, name: str) -> str:
    output = outcome.outputs.get(name)
    return output.path.read_text(encoding="utf-8", errors="replace") if output else ""
