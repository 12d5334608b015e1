"""A real lab (sandbox, ledger, budget, folder) for a test that needs no graph."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from agent import run as running
from agent.lab import Lab
from agent.run import begin, resume
from agent.settings import read_settings
from agent.topic import topic_from

ARCHITECTURES = {
    "question": "Is it any good?",
    "domain": "architectures",
    "profile": "quick",
    "sequence_tasks": ["mqar"],
    "hypotheses": 2,
    "alpha": 0.45,
    "seeds": 3,
    "budget": {"wall": "20m"},
}
MERGING = {
    "question": "Does merging compose skills?",
    "profile": "quick",
    "hypotheses": 2,
    "alpha": 0.45,
    "seeds": 3,
    "budget": {"wall": "20m"},
}
Work = Callable[[Lab], None]


def in_a_run(home: Path, body: dict[str, object], work: Work, folder: Path | None = None) -> Path:
    """Do the work where the graph would be, in a new run or an old one; the run's folder."""
    found: list[Path] = []

    def research(lab: Lab, name: str) -> None:
        found.append(lab.folder)
        work(lab)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "research", research)
        topic = topic_from(body, home, "topic")
        flags = {"runs": home / "runs", "cache": home / "cache", "workers": 2}
        settings = read_settings(topic, flags, {}, home / "none")
        if folder is None:
            begin(topic, settings)
        else:
            resume(folder, settings)
    return found[0]
