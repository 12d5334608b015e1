"""Import a file that was brought. This runs its code: inside a sandbox and nowhere else."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from sandbox.errors import BadInput
from sandbox.records import Seam
from tools.folder_digest import file_digest
from tools.kind import KINDS


def load_code(seam: Seam, path: Path, name: str, digest: str) -> None:
    """Make what the file declares known to its registry, for the rest of this process.

    Raises BadInput when the file is not the one of that digest, or declares anything but `name`.
    """
    if file_digest(path) != digest:
        raise BadInput(f"{path.name} is not the file of its digest", "start a new run with it")
    kind = KINDS[seam]
    before = kind.known()
    _import(path, f"own_{seam}_{name}")
    after = kind.known()
    added = sorted(after.keys() - before.keys() - {name})
    changed = sorted(k for k in before if k != name and after.get(k) is not before[k])
    if name not in after or added or changed:
        what = ", ".join([*added, *changed]) or "nothing"
        raise BadInput(f"{path.name} declares {what} in place of {name} alone", "one in each file")


def _import(path: Path, module: str) -> None:
    spec = importlib.util.spec_from_file_location(module, path)
    assert spec is not None
    assert spec.loader is not None
    sys.modules[module] = made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
