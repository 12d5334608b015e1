"""A run with arms that think in ticks becomes a paper that passes its review."""

from pathlib import Path

import pytest

from agent.minds.playbook.architectures import tick_arms
from agent.minds.playbook.family import Setting, find_family
from agent.minds.playbook.writing import write_prose
from agent.press import reference_of
from papers.draft import draft
from papers.review.finding import Case
from papers.review.panel import review
from tests.papers import sample_architecture_run as sample
from tools.architectures.subject import ArchitectureSuite
from tools.literature.library import Library

TASKS = ("mqar", "selective_copy", "digits", "parity")
AT = Setting(ArchitectureSuite("quick", TASKS), 40)
MEASURES = sample._measures


def measures(made, seed):
    """A model that thinks keeps nothing while decoding, for it does not decode."""
    found = dict(MEASURES(made, seed))
    if tick_arms.thinks(made.arm):
        del found["state_floats"]
    return found


def made(arm, mean, parameters):
    return sample.Made(arm, mean, 0.005, parameters, 0, 900_000)


@pytest.fixture
def paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    """The sample run, with a family about ticks on digits beside its own."""
    machine, state = tick_arms.machine(AT, "digits"), tick_arms.state_readout(AT, "digits")
    family = find_family("synchronisation").think(AT)
    asked = ("synchronisation", family.title, machine.name, state.name, 0.0, 0.02, "", "")
    monkeypatch.setitem(sample.ARMS, machine.name, made(machine, 0.984, 39_178))
    monkeypatch.setitem(sample.ARMS, state.name, made(state, 0.985, 39_114))
    monkeypatch.setattr(sample, "HYPOTHESES", (*sample.HYPOTHESES, asked))
    monkeypatch.setattr(sample, "ArchitectureSuite", lambda size: ArchitectureSuite(size, TASKS))
    monkeypatch.setattr(sample, "_measures", measures)
    ledger, facts, plans = sample.sample_architecture_run(tmp_path / "run")
    manuscript = draft(write_prose(ledger, facts, plans), ledger, facts, plans)
    library = Library.embedded()
    works = [reference_of(library.entry(key)) for key in manuscript.bibliography]
    return Case(manuscript, ledger, facts, plans, works)


@pytest.mark.slow
def test_the_review_finds_nothing_and_the_method_tells_ticks_from_layers(paper: Case):
    found = review(paper)
    assert [f for f in found.findings if f.severity in ("blocking", "major")] == []
    method = next(s for s in paper.manuscript.sections if s.label == "sec:method")
    told = " ".join(
        paper.shown(getattr(block, "text", "") or " ".join(getattr(block, "items", ())))
        for block in method.blocks
    )
    assert "think for a number of internal ticks" in told
    assert "tick of least loss" in told
    assert "residual stream" in told
    assert "darlow2025ctm" in paper.manuscript.bibliography
