"""What a warm process holds is gathered into huge pages, so that its forks are quick."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

RELEASE = tuple(int(part) for part in platform.release().split(".")[:2])
GATHER = """
import hashlib, os
from pathlib import Path
from sandbox import kernel
held = bytearray(os.urandom(32 << 20))
before = hashlib.sha256(held).digest()
kernel.gather_memory()
assert hashlib.sha256(held).digest() == before
lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
print(next(line.split()[1] for line in lines if line.startswith("AnonHugePages:")))
"""


@pytest.mark.skipif(
    RELEASE < (6, 1) or not Path("/sys/kernel/mm/transparent_hugepage").exists(),
    reason="this kernel cannot gather memory into huge pages",
)
def test_what_is_gathered_stays_as_it_was_and_lies_in_huge_pages() -> None:
    home = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-P", "-c", GATHER], cwd=home, env={"PYTHONPATH": str(home)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert int(done.stdout) >= 8 << 10
