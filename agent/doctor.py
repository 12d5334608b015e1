"""What this machine has, what is missing, and the exact mend.

What cannot be looked at is `unchecked`, never `ok`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from agent.endpoint.endpoint import Endpoint

State = Literal["ok", "missing", "poor", "unchecked"]
STYLES = (
    "natbib.sty",
    "booktabs.sty",
    "siunitx.sty",
    "microtype.sty",
    "algpseudocode.sty",
    "pgfplots.sty",
    "cleveref.sty",
    "lmodern.sty",
    "threeparttable.sty",
    "enumitem.sty",
    "subcaption.sty",
    "hyperref.sty",
)
TEX = (
    "apt-get install --no-install-recommends latexmk lmodern texlive-latex-recommended"
    " texlive-fonts-recommended texlive-pictures texlive-latex-extra texlive-science"
)
GIB = 1 << 30
RUN_DISK_BYTES = 2 * GIB
TRIAL_MEMORY_BYTES = 2 * GIB


@dataclass(frozen=True)
class Check:
    """One thing looked at. required: no run works without it. fix: empty when all is well."""

    name: str
    state: State
    found: str
    fix: str = ""
    required: bool = False


def examine(runs: Path) -> list[Check]:
    """Look at everything; `runs` is the folder that runs would be written to."""
    return list(_examine(runs))


def examine_mind(endpoint: Endpoint) -> list[Check]:
    """Ask the language model's server a little, to see what it can do; costs some tokens."""
    from agent.endpoint.probe import probe

    states: dict[str, State] = {"ok": "ok", "refused": "missing", "ignored": "poor"}
    return [
        Check(
            f"model: {seen.name}",
            states.get(seen.state, "unchecked"),
            seen.found,
            seen.fix,
            seen.required,
        )
        for seen in probe(endpoint, os.environ)
    ]


def healthy(checks: list[Check]) -> bool:
    """Whether every required thing was seen to be there."""
    return all(check.state == "ok" for check in checks if check.required)


def _examine(runs: Path) -> Iterator[Check]:
    yield _python()
    yield _torch()
    yield _bubblewrap()
    yield _confinement()
    yield _landlock()
    yield _seccomp()
    yield _tex()
    yield _korean()
    yield _cores()
    yield _memory()
    yield _disk(runs)
    yield _writable("runs folder", runs)
    yield _writable("cache", Path.home() / ".cache" / "hanji")


def _python() -> Check:
    """An older one cannot have come as far as this line: the package refuses to install there."""
    found = f"Python {sys.version.split()[0]}, {sys.executable}"
    return Check("python", "ok", found, required=True)


def _torch() -> Check:
    """Import it for real, in a process of its own: a broken wheel shows only then."""
    code = "import torch; print(torch.__version__, 'with GPU' * torch.cuda.is_available())"
    fix = "./hanji --version, which installs torch==2.13.0 into .venv"
    try:
        done = _ask([sys.executable, "-P", "-c", code], timeout_s=120)
    except subprocess.TimeoutExpired:
        return Check(
            "torch", "unchecked", "importing it took more than two minutes", fix, required=True
        )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return Check("torch", "missing", last, fix, required=True)
    return Check("torch", "ok", done.stdout.strip(), required=True)


def _bubblewrap() -> Check:
    path = shutil.which("bwrap")
    if path is None:
        return Check(
            "bubblewrap", "missing", "no bwrap", "apt-get install bubblewrap", required=True
        )
    done = _ask([path, "--version"])
    if done.returncode:
        fix = "apt-get install --reinstall bubblewrap"
        return Check("bubblewrap", "missing", f"{path} does not start", fix, required=True)
    return Check("bubblewrap", "ok", done.stdout.strip(), required=True)


def _confinement() -> Check:
    """Start a sandbox and try what it must refuse; that bwrap is installed says little."""
    from sandbox.backend import find_backend
    from sandbox.errors import HanjiError

    try:
        with closing(find_backend("bubblewrap")) as backend:
            capabilities = backend.probe()
    except HanjiError as error:
        return Check("sandbox", "missing", error.what, error.fix, required=True)
    held = [name for name, enforced in capabilities.enforced.items() if enforced]
    loose = [name for name, enforced in capabilities.enforced.items() if not enforced]
    if loose or not held:
        fix = "`hanji sandbox probe` says more; every paper will name what is not enforced"
        loose = loose or ["anything that could be tried"]
        return Check("sandbox", "poor", f"not enforced: {', '.join(loose)}", fix, required=True)
    return Check("sandbox", "ok", f"{len(held)} protections tried, all enforced", required=True)


def _landlock() -> Check:
    """Whether a job could be run without namespaces; nothing is, unless it is asked for by name."""
    from sandbox.backend import find_backend
    from sandbox.errors import HanjiError
    from sandbox.exec import execute
    from sandbox.policy import Policy

    try:
        with closing(find_backend("landlock")) as backend:
            outcome = execute(["true"], Policy(outputs=()), backend)
    except HanjiError as error:
        fix = f"{error.fix}; only --sandbox landlock needs it"
        return Check("landlock", "missing", error.what, fix)
    if outcome.verdict != "ok":
        fix = "`hanji sandbox probe --backend landlock` says more; only --sandbox landlock needs it"
        return Check("landlock", "poor", outcome.reason, fix)
    return Check("landlock", "ok", f"a job ran under `{outcome.isolation}`, for --sandbox landlock")


def _seccomp() -> Check:
    fix = "apt-get install libseccomp2; then ./hanji --version"
    done = _ask([sys.executable, "-P", "-c", "import pyseccomp; print(pyseccomp.get_api())"])
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return Check("libseccomp", "missing", last, fix, required=True)
    return Check("libseccomp", "ok", f"API level {done.stdout.strip()}", required=True)


def _tex() -> Check:
    absent = [name for name in ("pdflatex", "latexmk", "kpsewhich") if shutil.which(name) is None]
    if absent:
        return Check("TeX", "missing", f"no {', '.join(absent)}: papers are pages, not PDFs", TEX)
    found = _ask(["kpsewhich", *STYLES]).stdout
    styles = [name for name in STYLES if f"/{name}" not in found]
    if styles:
        return Check("TeX", "missing", f"no {', '.join(styles)}", TEX)
    done = _ask(["pdflatex", "--version"])
    if done.returncode or not done.stdout:
        return Check("TeX", "missing", "pdflatex does not start", TEX)
    return Check("TeX", "ok", done.stdout.splitlines()[0])


def _korean() -> Check:
    name, fix = "TeX for Korean", "apt-get install --no-install-recommends texlive-lang-korean"
    if shutil.which("kpsewhich") is None:
        return Check(name, "unchecked", "there is no kpsewhich to ask", fix)
    if not _ask(["kpsewhich", "kotex.sty"]).stdout.strip():
        return Check(name, "missing", "no kotex: needed for language: ko only", fix)
    return Check(name, "ok", "kotex")


def _cores() -> Check:
    cores = len(os.sched_getaffinity(0))
    fix = "" if cores > 1 else "runs take about twice as long as the budgets in the examples assume"
    return Check("cores", "ok" if cores > 1 else "poor", f"{cores} for this process", fix)


def _memory() -> Check:
    """What may be used now, the container's cap included where there is one."""
    free = _available_bytes()
    if free is None:
        return Check("memory", "unchecked", "/proc/meminfo cannot be read")
    found = f"{free / GIB:.1f} GiB available"
    if free < TRIAL_MEMORY_BYTES:
        return Check(
            "memory", "poor", found, "a trial may use 2 GiB: free some, or run --workers 1"
        )
    return Check("memory", "ok", found)


def _available_bytes() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    free = next((int(s.split()[1]) * 1024 for s in lines if s.startswith("MemAvailable:")), None)
    cap, used = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
    if free is not None and cap.is_file() and (text := cap.read_text().strip()).isdigit():
        free = min(free, int(text) - int(used.read_text()))
    return free


def _disk(runs: Path) -> Check:
    free = shutil.disk_usage(_existing(runs)).free
    found = f"{free / GIB:.1f} GiB free for {runs}"
    if free < RUN_DISK_BYTES:
        return Check(
            "disk", "poor", found, "a run needs about 2 GiB: make room, or choose another --runs"
        )
    return Check("disk", "ok", found)


def _writable(name: str, folder: Path) -> Check:
    """Write for real: permissions, a read-only mount and a full disk all show."""
    place = _existing(folder)
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b"hanji")
            file.flush()
    except OSError as error:
        fix = f"make {place} writable for you, or choose another folder"
        return Check(
            name, "missing", f"{place}: {error.strerror}", fix, required=name == "runs folder"
        )
    return Check(name, "ok", f"{folder} can be written", required=name == "runs folder")


def _existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.absolute().parent
    return folder


def _ask(command: list[str], timeout_s: float = 30.0) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        stdin=subprocess.DEVNULL,
    )
