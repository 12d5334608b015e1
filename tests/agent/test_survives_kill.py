"""kill -9 at ten random moments: the run finishes and measures what an undisturbed one does."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.graph import GRAPH_VERSION
from agent.run import begin, resume
from agent.settings import read_settings
from agent.topic import Topic, topic_from
from papers.verify import verify
from sandbox.errors import CannotResume
from sandbox.ledger import Ledger
from sandbox.records import ComparisonLine, EvidenceLine, HypothesisLine, PaperLine, TrialLine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

WHILE_MEASURING = 7
AS_PAPER = (
    ("paper/manuscript.json", 3.0),
    ("paper/manuscript.json", 3.0),
    ("reviews/round-1.json", 0.1),
)
"""What is written when the PDF's build begins or a review is over, and how late a kill may come."""
MOMENTS = WHILE_MEASURING + len(AS_PAPER)
GO_ON = """
import sys
from pathlib import Path
from agent.run import resume
from agent.settings import read_settings
flags = {"cache": sys.argv[2], "workers": 2, "budget": "60m"}
resume(Path(sys.argv[1]), read_settings(None, flags, {}, Path("none")))
"""


def small_topic() -> Topic:
    body = {
        "question": "Does the end of a network carry the language of its answer?",
        "profile": "quick",
        "first": ["layer_swap", "transfer", "joint"],
        "hypotheses": 3,
        "alpha": 0.49,
        "seeds": 4,
        "evaluations": 30,
        "budget": {"wall": "60m"},
    }
    return topic_from(body, Path(), "topic")


def settings(home: Path):
    flags = {"runs": home / "runs", "cache": home / "cache", "workers": 2}
    return read_settings(small_topic(), flags, {}, home / "none")


def measured(ledger: Ledger) -> dict[tuple[str, int, str, str, str], float]:
    """Every value but those of the machine."""
    return {
        (e.arm, e.seed, e.task, e.split, e.metric): e.value
        for e in ledger.lines(EvidenceLine)
        if e.unit not in ("s", "bytes")
    }


def effects(ledger: Ledger) -> dict[str, float]:
    titles = {line.id: line.title for line in ledger.lines(HypothesisLine)}
    return {titles[c.hypothesis]: c.effect for c in ledger.lines(ComparisonLine)}


def killed_when(folder: Path, cache: Path, due: Callable[[float], bool], seconds: float) -> bool:
    """Go on with the run in a process of its own; kill it so many seconds after `due` holds.

    due: is given the time at which the process began. False when the run finished before.
    """
    began = time.time()
    command = [sys.executable, "-P", "-c", GO_ON, str(folder), str(cache)]
    child = subprocess.Popen(command, start_new_session=True)
    while child.poll() is None and not due(began):
        time.sleep(0.05)
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        return True
    assert child.returncode == 0
    return False


def finished(folder: Path) -> int:
    """How many trials the ledger holds."""
    text = (folder / "ledger.jsonl").read_text(encoding="utf-8")
    return text.count('"kind":"trial"')


def moments(
    folder: Path, trials: int, dice: random.Random
) -> Iterator[tuple[Callable[[float], bool], float]]:
    """Ten random moments: between the first trial and the last, then in each stage of the paper."""
    for count in sorted(dice.sample(range(trials - 2), WHILE_MEASURING)):
        yield (lambda began, count=count: finished(folder) >= count), dice.uniform(0.0, 3.0)
    for name, latest in AS_PAPER:
        yield (lambda began, file=folder / name: newer(file, began)), dice.uniform(0.0, latest)


def newer(file: Path, since: float) -> bool:
    return file.exists() and file.stat().st_mtime > since


def begun(home: Path) -> Path:
    """A run that was stopped before it did anything."""
    stop = threading.Event()
    stop.set()
    return begin(small_topic(), settings(home), stop=stop).run


def test_a_run_killed_ten_times_finishes_repeats_no_trial_and_measures_the_same(tmp_path):
    calm = begin(small_topic(), settings(tmp_path / "calm"))
    undisturbed = Ledger(calm.run / "ledger.jsonl")
    every = {line.id for line in undisturbed.lines(TrialLine)}
    folder, cache = begun(tmp_path / "killed"), tmp_path / "killed" / "cache"
    ended, counts = {}, []
    for due, seconds in moments(folder, len(every), random.Random(20260101)):
        if not killed_when(folder, cache, due, seconds):
            break
        counts.append(finished(folder))
        for path in (folder / "trials").glob("*/outcome.json"):
            ended.setdefault(path, path.stat().st_mtime_ns)
    ending = resume(folder, settings(tmp_path / "killed"))
    ledger = Ledger(folder / "ledger.jsonl")
    assert len(counts) == MOMENTS, f"the run was over after {len(counts)} kills"
    between = {count for count in counts if 0 < count < len(every)}
    assert len(between) >= 4, f"trials finished at each kill: {counts}"
    assert counts[-len(AS_PAPER) :] == [len(every)] * len(AS_PAPER)
    assert ending.status == calm.status
    assert ending.verdicts == calm.verdicts
    assert measured(ledger) == measured(undisturbed)
    assert effects(ledger) == effects(undisturbed)
    assert [
        count for _, count in Counter(t.id for t in ledger.lines(TrialLine)).most_common(1)
    ] == [1]
    assert {line.id for line in ledger.lines(TrialLine)} == every
    assert all(path.stat().st_mtime_ns == when for path, when in ended.items())
    assert verify(folder).ok


def test_a_run_of_another_graph_is_not_resumed(tmp_path, monkeypatch):
    folder = begun(tmp_path)
    monkeypatch.setattr("agent.run.GRAPH_VERSION", 999)
    with pytest.raises(CannotResume, match=f"version {GRAPH_VERSION} of the graph"):
        resume(folder, settings(tmp_path))


def test_two_processes_do_not_work_on_one_run(tmp_path):
    folder = begun(tmp_path)
    command = [sys.executable, "-P", "-c", GO_ON, str(folder), str(tmp_path / "cache")]
    child = subprocess.Popen(command)
    try:
        for _ in range(100):
            time.sleep(0.1)
            if '"kind":"hypothesis"' in (folder / "ledger.jsonl").read_text(encoding="utf-8"):
                break
        with pytest.raises(CannotResume, match="another process"):
            resume(folder, settings(tmp_path))
    finally:
        child.kill()
        child.wait()
    assert not Ledger(folder / "ledger.jsonl").lines(PaperLine)
