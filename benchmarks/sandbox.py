"""How long it takes to start something in the sandbox, next to starting it bare, and to watch it.

Run on an idle machine with `python -P benchmarks/sandbox.py`. What is compared is run in turns, in
one go. Writes medians, ratios and the goals to benchmarks/results/sandbox.json; exits with 1 when a
goal is missed.
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
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from sandbox.backend import Backend
from sandbox.backends.bubblewrap import Bubblewrap
from sandbox.backends.landlock import Landlock
from sandbox.job import Job
from sandbox.landlock import kernel_abi
from sandbox.outcome import Outcome
from sandbox.policy import Policy

RESULTS = Path(__file__).parent / "results" / "sandbox.json"
CELL, TRIAL = "sandbox.canary:script", "tools.worker:main"
PYTHON = (sys.executable, "-I", "-c")
TORCH = ("python", "-P", "-c", "import torch")
TURNS, SLOW_TURNS = 25, 5
WATCHED_S = 10.0
FORKED = (
    "import os, time\nfor _ in range({more}):\n    if os.fork() == 0: break\ntime.sleep({seconds})"
)
Start = Callable[[], float]


@dataclass(frozen=True)
class Goal:
    """What was measured and what it must be. less: at most, else at least."""

    name: str
    measured: float
    wanted: float
    less: bool = True

    @property
    def met(self) -> bool:
        """Whether it is good enough."""
        return self.measured <= self.wanted if self.less else self.measured >= self.wanted


def main() -> int:
    """Measure, write, print."""
    with closing(Bubblewrap()) as backend:
        spent = in_turns(short_starts(backend), TURNS)
        spent |= in_turns(long_starts(backend), SLOW_TURNS)
        shares = {f"watching {more + 1} processes": watching(backend, more) for more in (0, 2, 15)}
    medians = {name: round(statistics.median(all_ms), 1) for name, all_ms in spent.items()}
    goals = goals_of(spent, medians, shares)
    report(medians, shares, goals)
    return 0 if all(goal.met for goal in goals) else 1


def short_starts(backend: Backend) -> dict[str, Start]:
    """Name -> what starts it and returns the milliseconds it took."""
    ran: dict[str, Start] = {
        "true, bare": lambda: bare("true"),
        "true, bubblewrap": lambda: confined(backend, "true"),
        "python -c pass, bare": lambda: bare(*PYTHON, "pass"),
        "python -c pass, bubblewrap": lambda: confined(backend, *PYTHON, "pass"),
        "a job in a warm cell": lambda: warm(backend, CELL, {"script.py": "pass"}),
    }
    if kernel_abi():
        ran["python -c pass, landlock"] = lambda: confined(Landlock(), *PYTHON, "pass")
    return ran


def long_starts(backend: Backend) -> dict[str, Start]:
    """The same where torch is wanted."""
    return {
        "import torch, bare": lambda: bare(sys.executable, *TORCH[1:]),
        "import torch, bubblewrap": lambda: confined(backend, *TORCH),
        "a warm trial with torch, until its code speaks": lambda: first_words(backend),
        "a warm trial with torch, whole": lambda: refused_trial(backend),
    }


def in_turns(starts: Mapping[str, Start], turns: int) -> dict[str, list[float]]:
    """Milliseconds of each, one of every kind a turn; a first turn warms up and is not counted."""
    spent: dict[str, list[float]] = {name: [] for name in starts}
    for turn in range(turns + 1):
        for name, start in starts.items():
            took = start()
            if turn:
                spent[name].append(took)
    return spent


def bare(*command: str) -> float:
    """Without a sandbox."""
    began = time.perf_counter()
    subprocess.run(command, check=True)
    return (time.perf_counter() - began) * 1000


def confined(backend: Backend, *command: str) -> float:
    """In a fresh sandbox, from an empty folder to the collected outcome."""
    took, outcome = timed(backend, command, {}, "")
    assert outcome.verdict == "ok", outcome
    return took


def warm(backend: Backend, function: str, inputs: Mapping[str, str]) -> float:
    """In a warm cell."""
    took, outcome = timed(backend, NOT_WARM, inputs, function)
    assert outcome.verdict == "ok", outcome
    return took


def refused_trial(backend: Backend) -> float:
    """A trial of a tool that does not exist: all that is done is to start and to end."""
    took, outcome = timed(backend, NOT_WARM, NO_TRIAL, TRIAL)
    assert "unknown" in outcome.stderr_tail, outcome
    return took


def first_words(backend: Backend) -> float:
    """From the call to when the harness had what its code says."""
    with tempfile.TemporaryDirectory() as name:
        began = time.time()
        outcome = run(backend, Path(name), NOT_WARM, NO_TRIAL, TRIAL)
        assert "unknown" in outcome.stderr_tail, outcome
        return ((Path(name) / "job" / "stderr.log").stat().st_mtime - began) * 1000


NOT_WARM = ("false",)  # what runs, and fails, where a job does not start warm
NO_TRIAL = {"call.json": json.dumps({"tool": "none", "arguments": {}})}


def timed(
    backend: Backend, command: tuple[str, ...], inputs: Mapping[str, str], warm: str
) -> tuple[float, Outcome]:
    """Milliseconds of the whole, and how it ended."""
    with tempfile.TemporaryDirectory() as name:
        began = time.perf_counter()
        outcome = run(backend, Path(name), command, inputs, warm)
        return (time.perf_counter() - began) * 1000, outcome


def run(
    backend: Backend, folder: Path, command: tuple[str, ...], inputs: Mapping[str, str], warm: str
) -> Outcome:
    """One job; inputs: name -> text."""
    paths = {}
    for name, text in inputs.items():
        paths[name] = folder / name
        paths[name].write_text(text)
    policy = Policy(trust="builtin" if warm else "untrusted", wall_s=120, cpu_s=120)
    return backend.run(
        Job("bench", command, folder / "job", paths, policy, warm), threading.Event()
    )


def watching(backend: Backend, more: int) -> float:
    """Share of one core that the harness uses while a job of 1 + `more` processes runs."""
    program = FORKED.format(more=more, seconds=WATCHED_S)
    began_s, began = time.process_time(), time.perf_counter()
    confined(backend, "python", "-I", "-S", "-c", program)
    return round((time.process_time() - began_s) / (time.perf_counter() - began), 4)


def goals_of(
    spent: Mapping[str, list[float]], medians: Mapping[str, float], shares: Mapping[str, float]
) -> list[Goal]:
    """What this project promises of the sandbox's speed."""
    pairs = zip(spent["python -c pass, bubblewrap"], spent["python -c pass, bare"], strict=True)
    added = statistics.median(inside - outside for inside, outside in pairs)
    start = medians["a warm trial with torch, until its code speaks"]
    faster = medians["import torch, bare"] / start
    return [
        Goal("milliseconds to start a warm trial", start, 150.0),
        Goal(
            "times faster than a new interpreter that imports torch", round(faster, 1), 30.0, False
        ),
        Goal("milliseconds that bubblewrap adds to python -c pass", round(added, 1), 60.0),
        Goal("share of a core to watch a job", shares["watching 3 processes"], 0.03),
    ]


def report(medians: Mapping[str, float], shares: Mapping[str, float], goals: list[Goal]) -> None:
    """Write the file and print the same."""
    machine = {"cores": os.cpu_count(), "system": platform.platform(), "root": os.geteuid() == 0}
    told = {
        "goals": [asdict(goal) | {"met": goal.met} for goal in goals],
        "median_ms": medians,
        "share_of_a_core": shares,
        "load_average": os.getloadavg()[0],
        "machine": machine,
    }
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    for name, value in medians.items():
        print(f"{value:10.1f} ms  {name}")
    for name, share in shares.items():
        print(f"{share:10.1%}     {name}")
    for goal in goals:
        bound = "at most" if goal.less else "at least"
        mark = "met   " if goal.met else "MISSED"
        print(f"{mark} {goal.name}: {goal.measured:g}, {bound} {goal.wanted:g}")


if __name__ == "__main__":
    sys.exit(main())
