"""The folder of runs: find one by its name, and read how each ended without touching it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.errors import BadInput
from sandbox.ledger import Ledger
from sandbox.scratch import scratch

LEDGER = "ledger.jsonl"


def shelves(folder: Path, *, named: bool) -> list[Path]:
    """Folders to look for runs in; new ones go into the last.

    A clone that root made is read-only to others: unless they named `folder`, theirs go home.
    """
    existing = folder
    while not existing.exists():
        existing = existing.absolute().parent
    if named or (existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)):
        return [folder]
    data = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return [folder, Path(data) / "hanji" / "runs"]


def all_runs(*folders: Path) -> list[Path]:
    """Every run in the folders, oldest first."""
    inside = [path for folder in folders if folder.is_dir() for path in folder.iterdir()]
    return sorted((path for path in inside if (path / LEDGER).is_file()), key=_began)


def find_run(name: str, *folders: Path) -> Path:
    """The run of that name: a folder, an id, a unique part of one, or `last`. Raises BadInput."""
    if (Path(name) / LEDGER).is_file():
        return Path(name)
    runs, places = all_runs(*folders), " or ".join(str(folder) for folder in folders)
    if not runs:
        raise BadInput(
            f"there are no runs in {places}",
            "start one with `hanji demo`, or name the folder with --runs",
        )
    if name == "last":
        return runs[-1]
    fits = (
        [run for run in runs if run.name == name]
        or [run for run in runs if run.name.startswith(name) or run.name.endswith(f"-{name}")]
        or [run for run in runs if name in run.name]
    )
    if len(fits) == 1:
        return fits[0]
    if fits:
        which = ", ".join(run.name for run in fits)
        raise BadInput(f"{name!r} fits {len(fits)} runs", f"say which: {which}")
    raise BadInput(f"no run {name!r} in {places}", "`hanji list` names them")


@contextmanager
def reading(run: Path) -> Iterator[Ledger]:
    """A copy of the run's ledger: the run may be at work on it. Raises LedgerBroken."""
    with scratch("reading") as folder:
        copy = folder / LEDGER
        copy.write_bytes((run / LEDGER).read_bytes())
        yield Ledger(copy)


def _began(run: Path) -> tuple[str, str]:
    """When the run began, by its own record; one cut off before that goes by its name's date."""
    try:
        began = json.loads((run / "run.json").read_text(encoding="utf-8"))["started_at"]
    except (OSError, ValueError, KeyError, TypeError):
        began = run.name
    return (str(began), run.name)
