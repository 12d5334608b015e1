"""The folder of runs: find one by its name, and read how each ended without touching it."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.errors import BadInput
from sandbox.ledger import Ledger

LEDGER = "ledger.jsonl"


def usable_runs_folder(asked: Path) -> Path:
    """`asked`, or the person's own folder of data when nothing may be written there.

    A clone that root made is read-only for everybody else: their runs go to their home.
    """
    existing = asked
    while not existing.exists():
        existing = existing.absolute().parent
    if existing.is_dir() and os.access(existing, os.W_OK | os.X_OK):
        return asked
    data = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(data) / "hanji" / "runs"


def all_runs(folder: Path) -> list[Path]:
    """Every run in `folder`, oldest first."""
    if not folder.is_dir():
        return []
    return sorted((p for p in folder.iterdir() if (p / LEDGER).is_file()), key=_began)


def find_run(name: str, folder: Path) -> Path:
    """The run of that name: a folder, an id, a unique part of one, or `last`. Raises BadInput."""
    if (Path(name) / LEDGER).is_file():
        return Path(name)
    runs = all_runs(folder)
    if not runs:
        raise BadInput(
            f"there are no runs in {folder}",
            "start one with `hanji demo`, or name the folder with --runs",
        )
    if name == "last":
        return runs[-1]
    fits = [run for run in runs if run.name == name] or [
        run for run in runs if run.name.startswith(name) or run.name.endswith(f"-{name}")
    ]
    if len(fits) == 1:
        return fits[0]
    if fits:
        raise BadInput(
            f"{name!r} fits {len(fits)} runs", f"say which: {', '.join(run.name for run in fits)}"
        )
    raise BadInput(f"no run {name!r} in {folder}", "`hanji list` names them")


@contextmanager
def reading(run: Path) -> Iterator[Ledger]:
    """A copy of the run's ledger: the run may be at work on it. Raises LedgerBroken."""
    with tempfile.TemporaryDirectory(prefix="hanji-") as folder:
        copy = Path(folder) / LEDGER
        copy.write_bytes((run / LEDGER).read_bytes())
        yield Ledger(copy)


def _began(run: Path) -> tuple[str, str]:
    """When the run began, by its own record; one cut off before that goes by its name's date."""
    try:
        began = json.loads((run / "run.json").read_text(encoding="utf-8"))["started_at"]
    except (OSError, ValueError, KeyError, TypeError):
        began = run.name
    return (str(began), run.name)
