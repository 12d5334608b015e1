"""A run that goes on probes its sandbox again: it is recorded, told in the paper, never weaker."""

from __future__ import annotations

import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from agent import probing
from agent.probing import keep_probe, probed_again
from agent.run import begin, resume
from agent.settings import Settings, read_settings
from agent.topic import topic_from
from papers.appendix import _probed_again
from sandbox import enclosure
from sandbox.backend import Capabilities
from sandbox.errors import CannotResume, SandboxUnavailable
from sandbox.ledger import Ledger
from sandbox.records import CostLine, SandboxLine
from tests.agent.open_lab import MERGING

BEGAN = Capabilities(
    "bubblewrap",
    "bubblewrap",
    confined=True,
    warm=True,
    enforced={"network_denied": True, "wall_limit": True, "home_hidden": False},
)
FACTS = {
    "id": "a-run",
    "sandbox": {
        "backend": "bubblewrap",
        "level": BEGAN.level,
        "confined": True,
        "capabilities": dict(BEGAN.enforced),
        "lacks": [],
    },
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def settings(home: Path) -> Settings:
    flags = {"runs": home / "runs", "cache": home / "cache", "workers": 2}
    return read_settings(topic_from(MERGING, home, "topic"), flags, {}, home / "none")


@pytest.fixture(scope="module")
def stop() -> threading.Event:
    """Somebody who wants a run to stop before it does anything."""
    wish = threading.Event()
    wish.set()
    return wish


@pytest.fixture(scope="module")
def run(home: Path, settings: Settings, stop: threading.Event) -> Path:
    return begin(topic_from(MERGING, home, "topic"), settings, stop=stop).run


def found_where(found: Capabilities, monkeypatch: pytest.MonkeyPatch) -> Capabilities:
    """Go on where the probe finds this."""
    monkeypatch.setattr(probing, "probed", lambda settings: found)
    return probed_again(Settings(), FACTS)


@pytest.mark.slow
def test_a_run_that_goes_on_records_what_its_sandbox_enforces_there(
    run: Path, settings: Settings, stop: threading.Event
) -> None:
    ledger = Ledger(run / "ledger.jsonl")
    assert ledger.lines(SandboxLine) == []
    resume(run, settings, stop=stop)
    (line,) = Ledger(run / "ledger.jsonl").lines(SandboxLine)
    assert (line.session, line.level, line.confined) == (2, "bubblewrap", True)
    assert line.enforced["network_denied"]
    assert all(line.enforced.values())
    assert line.system.startswith("Linux ")


@pytest.mark.slow
def test_a_run_does_not_go_on_where_jobs_have_the_network(
    run: Path, settings: Settings, stop: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (run / "ledger.jsonl").read_bytes()
    fewer = tuple(word for word in enclosure.NAMESPACES if word != "--unshare-net")
    monkeypatch.setattr(enclosure, "NAMESPACES", fewer)
    with pytest.raises(CannotResume, match="not found here: network denied ") as told:
        resume(run, settings, stop=stop)
    assert "go on where it was begun" in told.value.fix
    assert (run / "ledger.jsonl").read_bytes() == before


@pytest.mark.slow
def test_a_run_does_not_go_on_where_there_is_no_sandbox(
    run: Path, settings: Settings, stop: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (run / "ledger.jsonl").read_bytes()
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None)
    with pytest.raises(SandboxUnavailable, match="apt install bubblewrap"):
        resume(run, settings, stop=stop)
    assert (run / "ledger.jsonl").read_bytes() == before


def test_the_same_and_more_is_good_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found_where(BEGAN, monkeypatch) == BEGAN
    more = replace(BEGAN, enforced={**BEGAN.enforced, "home_hidden": True, "new": True})
    assert found_where(more, monkeypatch) == more


@pytest.mark.parametrize(
    ("less", "said"),
    [
        ({"enforced": {"network_denied": True, "wall_limit": False}}, "wall limit "),
        ({"enforced": {"wall_limit": True}}, "network denied "),
        ({"level": "unconfined"}, "the level bubblewrap .it is unconfined"),
        ({"confined": False}, "all that this version tries "),
    ],
)
def test_whatever_is_lost_is_named(
    less: dict[str, object], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CannotResume, match=f"not found here: {said}"):
        found_where(replace(BEGAN, **less), monkeypatch)


def test_the_paper_says_that_it_was_probed_again(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append(CostLine(id="1", what="session 1"))
    assert _probed_again(ledger) == ""
    keep_probe(BEGAN, 2, ledger)
    assert "Each time the sandbox was probed again" in _probed_again(ledger)
