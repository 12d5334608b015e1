"""Every fault of a part of the paper through the whole mind, over HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.endpoint.scripted_server import ScriptedServer
from agent.endpoint.server import serve
from agent.lab import Lab
from agent.minds.language_model import writing
from agent.minds.language_model.authorship import BUILTIN, MODEL
from agent.minds.language_model.briefing import Briefing
from agent.minds.language_model.dialogue import Dialogue
from agent.minds.language_model.names import Names
from agent.minds.language_model.parts import Part, parts_of
from agent.minds.language_model.proof import Proof
from agent.minds.language_model.standby import Standby
from agent.minds.language_model.voice import voice_in
from agent.minds.language_model.writing import Author
from agent.minds.playbook.authors.author import author_of
from agent.minds.playbook.story import Story
from agent.minds.playbook.writing import write_prose
from papers.draft import draft
from papers.review.case import Case
from tests.agent.fault_desk import ENVIRONMENT, NOBODY, Desk
from tests.agent.faults import ALWAYS, AWAY, CITED, FILLING, PARTS, UNUSABLE
from tests.agent.spoken import part
from tests.papers.review_case import sound_case
from tools.literature.library import Library
from tools.merging.miniature import Miniature

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("quick_retries")]
LIBRARY = Library.embedded()


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return sound_case(tmp_path_factory.mktemp("paper") / "run")


def author_of_case(case: Case, here: Lab) -> Author:
    builtin = write_prose(here.ledger, case.facts, case.plans)
    story = Story(here.ledger, case.facts, case.plans)
    paper = draft(builtin, here.ledger, case.facts, case.plans)
    names = Names(story, author_of(story), paper)
    return Author(
        Dialogue(voice_in(here, ENVIRONMENT)),
        Standby(here.ledger),
        names,
        Briefing("Does merging compose skills?", Miniature("quick"), names, LIBRARY),
        Proof(builtin, here.ledger, case.facts, case.plans, LIBRARY),
        LIBRARY,
        lambda: 1e6,
    )


def at_the_paper(case: Case, lab: Lab, folder: Path, base_url: str) -> tuple[Desk, Author]:
    folder.mkdir(exist_ok=True)
    path = folder / "ledger.jsonl"
    if not path.exists():
        path.write_bytes(case.ledger.path.read_bytes())
    desk = Desk.of(lab, folder, base_url)
    return desk, author_of_case(case, desk.lab)


def only(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Ask for this part of the paper alone."""

    def one(names: Names) -> tuple[Part, ...]:
        return tuple(part for part in parts_of(names) if part.name == name)

    monkeypatch.setattr(writing, "parts_of", one)


@pytest.mark.parametrize("name", PARTS)
def test_a_part_of_the_paper_through(
    name: str, lab: Lab, sound: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    which, text, said = PARTS[name]
    only(monkeypatch, which)
    bad = ScriptedServer.of({"json": part(text), **ALWAYS})
    with serve(bad) as server:
        desk, author = at_the_paper(sound, lab, tmp_path / "run", server.base_url)
        prose = author.write()
    assert prose.parts == {which: BUILTIN}
    assert desk.failed == {which: UNUSABLE}
    assert len(bad.requests) == 2
    assert said in bad.requests[1].said
    field_ = which.replace(" ", "_")
    assert getattr(prose, field_) == getattr(author.proof.builtin, field_)
    assert f"stood in for the model in: {which} (its reply was not usable)" in prose.authorship
    answered = ScriptedServer.of()
    with serve(answered) as server:
        _, again = at_the_paper(sound, lab, tmp_path / "run", server.base_url)
        assert again.write().parts == {which: BUILTIN}
    assert not answered.requests


def test_a_part_that_a_later_session_wrote_is_not_said_to_be_the_built_in_minds(
    lab: Lab, sound: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch, "introduction")
    desk, author = at_the_paper(sound, lab, tmp_path / "run", NOBODY)
    assert author.write().parts == {"introduction": BUILTIN}
    good = ScriptedServer.of({"json": part(f"{FILLING} {CITED}"), **ALWAYS})
    with serve(good) as server:
        _, again = at_the_paper(sound, lab, tmp_path / "run", server.base_url)
        prose = again.write()
    assert prose.parts == {"introduction": MODEL}
    assert "stood in" not in prose.authorship
    assert desk.failed == {"introduction": AWAY}
