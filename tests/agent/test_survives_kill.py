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
from pathlib import Path

import pytest

from agent.run import begin, resume
from agent.settings import read_settings
from agent.topic import Topic, topic_from
from sandbox.errors import CannotResume
from sandbox.ledger import Ledger
from sandbox.records import ComparisonLine, EvidenceLine, HypothesisLine, PaperLine, TrialLine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

MOMENTS = 10
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
        "first": ["layer_swap", "transfer"],
        "hypotheses": 2,
        "alpha": 0.49,
        "seeds": 3,
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


def killed_after(folder: Path, cache: Path, sign: str, seconds: float) -> bool:
    """Go on with the run in a process of its own; kill it so long after `sign` was seen.

    sign: a file of a trial that is written when it starts or ends. False when the run finished.
    """
    began = time.time()
    command = [sys.executable, "-P", "-c", GO_ON, str(folder), str(cache)]
    child = subprocess.Popen(command, start_new_session=True)
    while child.poll() is None and not seen(folder, sign, began):
        time.sleep(0.1)
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        return True
    assert child.returncode == 0
    return False


def seen(folder: Path, sign: str, since: float) -> bool:
    """Whether a trial wrote that file, or the paper was written, since then."""
    places = (*folder.glob(f"trials/*/{sign}"), folder / "paper" / "manuscript.json")
    return any(p.stat().st_mtime > since for p in places if p.exists())


def moment(dice: random.Random) -> tuple[str, float]:
    """A random moment: some seconds after a trial started, or soon after one ended."""
    sign = dice.choice(("stdout.log", "stdout.log", "outcome.json"))
    return sign, dice.uniform(0.0, 2.0 if sign == "stdout.log" else 1.0)


def begun(home: Path) -> Path:
    """A run that was stopped before it did anything."""
    stop = threading.Event()
    stop.set()
    return begin(small_topic(), settings(home), stop=stop).run


def test_a_run_killed_ten_times_finishes_repeats_no_trial_and_measures_the_same(tmp_path):
    calm = begin(small_topic(), settings(tmp_path / "calm"))
    folder, cache = begun(tmp_path / "killed"), tmp_path / "killed" / "cache"
    moments = random.Random(20260101)
    kills, ended = 0, {}
    while kills < MOMENTS and killed_after(folder, cache, *moment(moments)):
        kills += 1
        for path in (folder / "trials").glob("*/outcome.json"):
            ended.setdefault(path, path.stat().st_mtime_ns)
    ending = resume(folder, settings(tmp_path / "killed"))
    ledger = Ledger(folder / "ledger.jsonl")
    undisturbed = Ledger(calm.run / "ledger.jsonl")
    assert kills == MOMENTS, f"the run was over after {kills} kills"
    assert ending.status == calm.status
    assert ending.verdicts == calm.verdicts
    assert measured(ledger) == measured(undisturbed)
    assert effects(ledger) == effects(undisturbed)
    assert all(count == 1 for count in Counter(t.id for t in ledger.lines(TrialLine)).values())
    assert {t.id for t in ledger.lines(TrialLine)} == {t.id for t in undisturbed.lines(TrialLine)}
    assert ended
    assert all(path.stat().st_mtime_ns == when for path, when in ended.items())


def test_a_run_of_another_graph_is_not_resumed(tmp_path, monkeypatch):
    folder = begun(tmp_path)
    monkeypatch.setattr("agent.run.GRAPH_VERSION", 999)
    with pytest.raises(CannotResume, match="version 1 of the graph"):
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
