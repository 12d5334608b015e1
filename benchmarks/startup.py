"""Seconds until `hanji --help`, `--version` and the wrapper answer: best and median of nine.

python benchmarks/startup.py        prints a table and writes benchmarks/results/startup.json
"""

from __future__ import annotations

import json
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HANJI = Path(sys.executable).parent / "hanji"
REPEATS = 9
COMMANDS = {
    "hanji --help": [str(HANJI), "--help"],
    "hanji --version": [str(HANJI), "--version"],
    "./hanji --version": [str(ROOT / "hanji"), "--version"],
    "python -c pass": [sys.executable, "-c", "pass"],
}


def seconds_of(command: list[str]) -> list[float]:
    """Wall seconds of REPEATS runs after one that warms the file cache."""
    times = []
    for _ in range(REPEATS + 1):
        begun = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - begun)
    return times[1:]


def main() -> None:
    """Measure, print, keep."""
    rows = {}
    for name, command in COMMANDS.items():
        times = seconds_of(command)
        best, median = min(times), statistics.median(times)
        rows[name] = {"best_s": round(best, 4), "median_s": round(median, 4)}
        print(f"{name:20} best {best:.3f} s, median {median:.3f} s")
    result = {"python": platform.python_version(), "repeats": REPEATS, "commands": rows}
    file = ROOT / "benchmarks" / "results" / "startup.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
