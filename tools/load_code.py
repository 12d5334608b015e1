"""Import a file that was brought. This runs its code: inside a sandbox and nowhere else."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from sandbox.errors import BadInput
from sandbox.records import Seam
from tools.folder_digest import file_digest


def load_code(seam: Seam, path: Path, name: str, digest: str) -> None:
    """Make what the file declares known to its registry, for the rest of this process.

    Raises BadInput when the file is not the one of that digest, or declares anything but `name`.
    """
    if file_digest(path) != digest:
        raise BadInput(f"{path.name} is not the file of its digest", "start a new run with it")
    declared = _REGISTRIES[seam]
    before = declared()
    _import(path, f"own_{seam}_{name}")
    after = declared()
    added = sorted(after.keys() - before.keys() - {name})
    changed = sorted(k for k in before if k != name and after.get(k) is not before[k])
    if name not in after or added or changed:
        what = ", ".join([*added, *changed]) or "nothing"
        raise BadInput(f"{path.name} declares {what} in place of {name} alone", "one in each file")


def _blocks() -> Mapping[str, object]:
    from tools.architectures.block import all_blocks

    return all_blocks()


def _objectives() -> Mapping[str, object]:
    from tools.architectures.objective import all_objectives

    return all_objectives()


def _tasks() -> Mapping[str, object]:
    from tools.tasks.drawn import all_drawn_tasks

    return all_drawn_tasks()


def _methods() -> Mapping[str, object]:
    from tools.merging.method import all_methods

    return all_methods()


_REGISTRIES: Mapping[Seam, Callable[[], Mapping[str, object]]] = MappingProxyType(
    {
        "block": _blocks,
        "merge_method": _methods,
        "objective": _objectives,
        "task": _tasks,
    }
)


def _import(path: Path, module: str) -> None:
    spec = importlib.util.spec_from_file_location(module, path)
    assert spec is not None
    assert spec.loader is not None
    sys.modules[module] = made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
