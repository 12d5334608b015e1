"""How long it takes to start something in the sandbox, next to starting it bare.

Run with `python -P benchmarks/sandbox.py`; writes medians to benchmarks/results/sandbox.json.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sandbox.backends.bubblewrap import Bubblewrap
from sandbox.job import Job
from sandbox.policy import Policy

RESULTS = Path(__file__).parent / "results" / "sandbox.json"
TORCH = "import torch, transformers"
WARM = "sandbox.canary:script"


def median_ms(start: Callable[[], object], times: int) -> float:
    """Median wall time of `start`, in milliseconds."""
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        start()
        spent.append((time.perf_counter() - began) * 1000)
    return round(statistics.median(spent), 1)


def confined(backend: Bubblewrap, command: list[str], warm: str = "", script: str = "pass") -> None:
    """Run one job from an empty folder to its collected outcome."""
    policy = Policy(wall_s=120, cpu_s=120)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "script.py"
        path.write_text(script)
        job = Job("bench", tuple(command), Path(name) / "job", {"script.py": path}, policy, warm)
        job = replace(job, policy=replace(policy, trust="builtin")) if warm else job
        outcome = backend.run(job, threading.Event())
        assert outcome.verdict == "ok", outcome


def main() -> None:
    """Measure, print, write."""
    backend = Bubblewrap()
    python = [sys.executable, "-I", "-c"]
    torch = [sys.executable, "-P", "-c", TORCH]
    confined(backend, [], WARM)
    rows: dict[str, tuple[Callable[[], object], int]] = {
        "true, bare": (lambda: subprocess.run(["true"], check=True), 50),
        "true, bubblewrap": (lambda: confined(backend, ["true"]), 50),
        "python -c pass, bare": (lambda: subprocess.run([*python, "pass"], check=True), 20),
        "python -c pass, bubblewrap": (lambda: confined(backend, [*python, "pass"]), 20),
        "a job in a warm cell": (lambda: confined(backend, [], WARM), 50),
        "import torch and transformers, bare": (lambda: subprocess.run(torch, check=True), 3),
        "import torch and transformers, bubblewrap": (lambda: confined(backend, torch), 3),
    }
    medians = {name: median_ms(start, times) for name, (start, times) in rows.items()}
    medians["a trial in a warm cell with torch"] = warm_trial_ms(backend)
    backend.close()
    machine = {"cores": os.cpu_count(), "system": platform.platform(), "root": os.geteuid() == 0}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps({"median_ms": medians, "machine": machine}, indent=1) + "\n")
    for name, value in medians.items():
        print(f"{value:10.1f} ms  {name}")


def warm_trial_ms(backend: Bubblewrap) -> float:
    """From submit to outcome of a job of the tools' worker whose call is empty."""
    warm = "tools.worker:main"
    policy = Policy(trust="builtin")

    def start() -> None:
        with tempfile.TemporaryDirectory() as name:
            call = Path(name) / "call.json"
            call.write_text("{}")
            command = ("python", "-P", "-m", "tools.worker", "{inputs}", "{work}")
            job = Job("bench", command, Path(name) / "job", {"call.json": call}, policy, warm)
            backend.run(job, threading.Event())

    start()
    return median_ms(start, 20)


if __name__ == "__main__":
    main()
