"""Many short jobs, some hostile: none lost, nothing left, and the harness does not grow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sandbox.stress import EVERY

ROOT = Path(__file__).parents[2]
MOST_GROWTH_BYTES = 6 << 20


def stressed(count: int, folder: Path) -> dict[str, object]:
    command = [sys.executable, "-P", "-m", "tests.sandbox.stress", str(count), str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(60, marks=pytest.mark.slow),
        pytest.param(1000, marks=[pytest.mark.full, pytest.mark.timeout(1800)]),
    ],
)
def test_none_of_many_jobs_is_lost_and_nothing_is_left_of_them(count: int, tmp_path: Path) -> None:
    found = stressed(count, tmp_path)
    assert found["ended"] == count
    assert found["hostile"] == count // EVERY
    assert found["wrong"] == []
    assert found["after"] == {**found["before"], "children after closing": 0}  # type: ignore[dict-item]
    assert [path.name for path in tmp_path.iterdir() if path.name.isdigit()] == []
    grown = found["resident_bytes"]
    assert isinstance(grown, list)
    assert max(grown[2:]) - grown[1] < MOST_GROWTH_BYTES, grown
