"""The digest of the code that runs inside trials: part of every trial's id."""

from __future__ import annotations

import hashlib
import inspect
from importlib.metadata import version
from pathlib import Path

from sandbox.records import digest_of
from tools.tool import all_tools

_HERE = Path(__file__).parent
_FOLDERS = ("architectures", "merging", "tasks")
_FILES = (
    "worker.py", "draw_worker.py", "trial.py", "bench.py", "answer.py", "evaluations.py", "laws.py",
    "load_code.py", "own_code.py", "kind.py",
)  # fmt: skip
_LIBRARIES = ("torch", "transformers")


def code_digest() -> str:
    """SHA-256 over the sources that run inside a sandbox, and the versions of their libraries."""
    sources = {path.relative_to(_HERE).as_posix(): _digest(path) for path in _inside()}
    sources |= {f"tool:{name}": _digest(path) for name, path in _actions().items()}
    return digest_of({"sources": sources, "versions": {n: version(n) for n in _LIBRARIES}})


def _inside() -> list[Path]:
    files = [path for folder in _FOLDERS for path in (_HERE / folder).rglob("*.py")]
    files += [_HERE / name for name in _FILES if (_HERE / name).exists()]
    return sorted(files)


def _actions() -> dict[str, Path]:
    sandboxed = {name: tool for name, tool in all_tools().items() if tool.place == "sandbox"}
    return {name: Path(inspect.getfile(tool.function)) for name, tool in sandboxed.items()}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
