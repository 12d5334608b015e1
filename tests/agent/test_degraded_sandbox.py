"""A degraded level is called so wherever a run, a page or a paper names its sandbox."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import JsonValue

from agent.enforcement import facts, words
from agent.minds.playbook.story import Story
from agent.minds.playbook.writing_setup import _confinement
from agent.settings import Settings
from agent.summary import _doubts
from papers.appendix import _capabilities
from sandbox.backend import Capabilities
from sandbox.ledger import Ledger

LACKS = ("a job sees that files outside exist", "the workspace is not capped")
DEGRADED = Capabilities(
    "landlock",
    "landlock (degraded)",
    confined=True,
    warm=False,
    enforced={"network_denied": True, "processes_hidden": False},
    notes=("degraded, because:", *LACKS),
    lacks=LACKS,
)


@pytest.fixture
def run_facts() -> dict[str, JsonValue]:
    """What run.json holds of it."""
    return {"sandbox": {**facts(DEGRADED), "capabilities": dict(DEGRADED.enforced)}}


def test_a_terminal_and_a_machine_are_told_the_level_and_what_it_lacks() -> None:
    assert words(DEGRADED).startswith("landlock: landlock (degraded)")
    assert all(lack in words(DEGRADED) for lack in LACKS)
    assert facts(DEGRADED)["lacks"] == list(LACKS)


def test_the_morning_page_says_to_distrust_it(
    run_facts: dict[str, JsonValue], tmp_path: Path
) -> None:
    lab = SimpleNamespace(
        facts=run_facts,
        ledger=Ledger(tmp_path / "ledger.jsonl"),
        folder=tmp_path,
        subject=SimpleNamespace(name="own", pairing="", caveat=""),
    )
    (told,) = _doubts(lab, None)  # type: ignore[arg-type]
    assert told == f"- trials ran in a degraded sandbox, landlock: {LACKS[0]}; {LACKS[1]}"


def test_the_paper_says_it_in_its_setup_and_in_its_appendix(
    run_facts: dict[str, JsonValue], tmp_path: Path
) -> None:
    story = Story(Ledger(tmp_path / "ledger.jsonl"), run_facts, {})
    assert "It is a degraded level: a job sees that files outside exist; " in _confinement(story)
    appendix = _capabilities(run_facts)
    assert "not enforced: processes hidden" in appendix
    assert "the level is degraded: a job sees that files outside exist, " in appendix


def test_a_level_that_lacks_nothing_is_not_called_degraded(tmp_path: Path) -> None:
    story = Story(Ledger(tmp_path / "ledger.jsonl"), {"sandbox": {"confined": True}}, {})
    assert story.degraded_by == ()
    assert "degraded" not in _confinement(story)


def test_a_run_takes_over_no_training_of_a_weaker_level(tmp_path: Path) -> None:
    places = {
        Settings(cache=tmp_path, sandbox=name).experts
        for name in ("bubblewrap", "landlock", "process")
    }
    assert len(places) == 3
