"""The four packages have common names: they must be ours, and know each other one way only."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = {"torch", "transformers", "scipy", "matplotlib", "langgraph", "numpy", "pydantic", "rich"}


@pytest.mark.parametrize("package", ["agent", "tools", "sandbox", "papers"])
def test_each_package_is_imported_from_this_project(package: str) -> None:
    assert Path(importlib.import_module(package).__file__ or "").parent == ROOT / package


def test_a_folder_of_the_same_name_where_a_worker_starts_is_not_imported(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "__init__.py").write_text("raise SystemExit('the wrong tools')")
    done = subprocess.run([sys.executable, "-P", "-c", "import tools"], cwd=tmp_path, check=False)
    assert done.returncode == 0


def test_imports_point_one_way() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.argv = ['hanji', '--help']\n"
        "from agent.cli import main\n"
        "try: main()\n"
        "except SystemExit: print('LOADED', *sorted({m.partition('.')[0] for m in sys.modules}))"
    )
    command = [sys.executable, "-P", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.rpartition("LOADED")[2].split())
    assert "typer" in loaded
    assert loaded & HEAVY == set()
