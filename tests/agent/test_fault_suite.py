"""Every fault through the whole mind, over HTTP: who answered, what is recorded, what goes on.

The same faults on the wire alone are in tests/agent/endpoint/test_faults.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from agent.endpoint.scripted_server import ScriptedServer
from agent.endpoint.server import serve
from agent.findings import standing
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
from agent.minds.mind import InterpretRequest, ProposeRequest, SurveyRequest
from agent.minds.playbook.authors.author import author_of
from agent.minds.playbook.playbook import Playbook
from agent.minds.playbook.story import Story
from agent.minds.playbook.writing import write_prose
from papers.draft import draft
from papers.review.case import Case
from sandbox.ledger import Ledger
from sandbox.records import CallLine, CostLine, DecisionLine
from tests.agent.endpoint import test_faults
from tests.agent.fault_desk import CAPS, ENVIRONMENT, KEY, NOBODY, Desk, open_lab
from tests.agent.spoken import GIBBERISH, part
from tests.papers.review_case import sound_case
from tools.literature.library import Library
from tools.merging.miniature import Miniature

pytestmark = pytest.mark.slow

Step = Mapping[str, object]
ALWAYS = {"repeat": "forever"}
REFUSED = "its server refused to answer"
AWAY = "its server did not answer"
UNUSABLE = "its reply was not usable"
SPENT = "its share of the budget was spent"
TOO_LONG = "the request did not fit into its context"
GOOD = {"json": {"queries": ["sign conflicts", "task arithmetic"]}}
QUERIES = ["sign conflicts", "task arithmetic"]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with open_lab(tmp_path_factory.mktemp("faults")) as lab:
        yield lab


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.005)
    monkeypatch.setattr("agent.endpoint.client.FIRST_PAUSE_S", 0.005)


@dataclass(frozen=True)
class Fault:
    """What a server does, and how it ends.

    why: why the built-in mind answered; empty where the model did. requests: that the server saw.
    again: what a later session, with a good server, still has to ask. dollars: the cap.
    """

    does: Sequence[Step]
    why: str
    requests: int
    again: int = 1
    settings: Mapping[str, object] = field(default_factory=dict)
    tokens: int = CAPS.tokens
    dollars: float = 0.0


def status(code: int, **more: object) -> dict[str, object]:
    return {"fault": "status", "status": code, **more}


def stays(does: Step, why: str, requests: int, again: int = 1, **settings: object) -> Fault:
    return Fault([{**does, **ALWAYS}], why, requests, again, settings)


def passes(*does: Step, requests: int, **settings: object) -> Fault:
    return Fault([*does, {**GOOD, **ALWAYS}], "", requests, 0, settings)


WHOLE = {"stream": False}
QUIET = {"timeout_s": 0.3}
SURVEY: dict[str, Fault] = {
    "401": stays(status(401), REFUSED, 1),
    "401 that echoes the key": stays(status(401, message=f"bad key {KEY}"), REFUSED, 1),
    "403": stays(status(403), REFUSED, 1),
    "404, no such model": stays(status(404), REFUSED, 1),
    "429 without retry-after": stays(status(429), AWAY, 2),
    "429 without retry-after, that passes": passes(status(429), requests=2),
    "429 with retry-after": stays(status(429, retry_after=0.02), AWAY, 2),
    "429 with retry-after, that passes": passes(status(429, retry_after=0.05), requests=2),
    "a storm of 500": stays(status(500), AWAY, 4, retries=3),
    "a storm of 500 that passes": passes(*[status(500)] * 3, requests=4, retries=3),
    "a timeout": stays({"fault": "timeout", "seconds": 60}, AWAY, 2, **QUIET),
    "a reset": stays({"fault": "close"}, AWAY, 2),
    "half a stream": stays({"fault": "half_stream"}, AWAY, 2),
    "half a stream, then a whole one": passes({"fault": "half_stream"}, requests=2),
    "half a body": stays({"fault": "half_stream"}, AWAY, 2, **WHOLE),
    "an error within the stream": stays({"fault": "stream_error"}, AWAY, 2),
    "a body that is not JSON": stays({"fault": "not_json"}, REFUSED, 1, **WHOLE),
    "a sign-in page": stays({"fault": "html"}, REFUSED, 1),
    "a gateway's page": stays({"fault": "html", "status": 502}, AWAY, 2),
    "an empty stream": stays({"fault": "empty"}, AWAY, 2),
    "an empty answer": stays({"text": ""}, UNUSABLE, 1),
    "a content filter": stays({"text": "no", "finish": "content_filter"}, UNUSABLE, 1),
    "a huge reply": stays({"fault": "huge", "megabytes": 2}, UNUSABLE, 1),
    "a huge reply, not streamed": stays({"fault": "huge", "megabytes": 12}, UNUSABLE, 1, **WHOLE),
    "truncated JSON": stays({"text": '{"queries": ["a', "finish": "length"}, UNUSABLE, 2, 0),
    "truncated JSON, then whole": passes({"text": '{"queries": ["a'}, requests=2),
    "the wrong schema": stays({"json": {"query": "merging"}}, UNUSABLE, 2, 0),
    "the wrong type": stays({"json": {"queries": [1, 2]}}, UNUSABLE, 2, 0),
    "too many of them": stays({"json": {"queries": ["ab"] * 99}}, UNUSABLE, 2, 0),
    "gibberish": stays({"text": GIBBERISH}, UNUSABLE, 2, 0),
    "deep nesting": stays({"text": '{"queries": ' + "[" * 5000}, UNUSABLE, 2, 0),
    "control characters": stays({"json": {"queries": ["a\u001b[2J b"]}}, UNUSABLE, 2, 0),
    "a tool call in place of words": stays(
        {"tool_calls": [{"name": "read_labels", "arguments": {}}]}, UNUSABLE, 2, 0
    ),
    "usage left out": Fault([{**GOOD, **ALWAYS, "usage": False}], "", 1, 0),
    "another model answers": Fault([{**GOOD, **ALWAYS, "model": "other"}], "", 1, 0),
    "schemas refused": Fault(
        [{"when": {"schema": True}, **status(400, message="no response_format"), **ALWAYS},
         {**GOOD, **ALWAYS}], "", 2, 0,
    ),
    "price missing": Fault([{**GOOD, **ALWAYS}], REFUSED, 0, dollars=1.0),
    "no tokens left": Fault([{**GOOD, **ALWAYS}], SPENT, 0, tokens=500),
    "a prompt longer than the context": stays(GOOD, TOO_LONG, 0, context=2048),
    "a prompt that the server finds too long": stays(
        status(400, message="maximum context length is 512 tokens"), TOO_LONG, 1
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SURVEY)
def test_a_request_through(name: str, lab: Lab, tmp_path: Path) -> None:
    fault = SURVEY[name]
    script = ScriptedServer.of(*fault.does)
    caps = replace(CAPS, tokens=fault.tokens, dollars=fault.dollars)
    request = SurveyRequest(lab.topic.question, lab.subject)
    with serve(script) as server:
        desk = Desk.of(lab, tmp_path / "run", server.base_url, caps, **fault.settings)
        calls = desk.mind.survey(request)
    assert desk.failed == ({"survey": fault.why} if fault.why else {})
    if fault.why:
        assert calls == Playbook().survey(request)
    else:
        assert [c.arguments["query"] for c in calls.calls] == [lab.topic.question, *QUERIES]
    assert len(script.requests) == fault.requests
    desk.check()
    _goes_on(lab, desk, fault)


def _goes_on(lab: Lab, before: Desk, fault: Fault) -> None:
    """A later session on the same folder asks a good server for what is not answered, no more."""
    script = ScriptedServer.of({**GOOD, **ALWAYS})
    request = SurveyRequest(lab.topic.question, lab.subject)
    answered = before.answered
    with serve(script) as server:
        desk = Desk.of(lab, before.lab.folder, server.base_url)
        calls = desk.mind.survey(request)
    assert len(script.requests) == fault.again
    assert answered <= desk.answered
    by_model = fault.again > 0 or not fault.why
    assert (calls != Playbook().survey(request)) == by_model
    desk.check()


def test_a_server_that_is_gone_is_asked_twice_and_not_waited_for_again(
    lab: Lab, tmp_path: Path
) -> None:
    desk = Desk.of(lab, tmp_path / "run", NOBODY)
    read = standing(desk.lab, InterpretRequest, 1, before_round=2)
    for _ in range(3):
        desk.mind.survey(SurveyRequest(lab.topic.question, lab.subject))
    assert desk.mind.interpret(read) == Playbook().interpret(read)
    assert desk.failed == {"survey": AWAY, "interpretation": AWAY}
    assert len(list((desk.lab.folder / "mind").glob("*.failed-*"))) == 2
    desk.check()


@pytest.mark.parametrize(
    ("name", "gone"), [("401", True), ("price missing", True), ("an empty answer", False),
                       ("a huge reply", False), ("a prompt that the server finds too long", False),
                       ("no tokens left", False)],
)  # fmt: skip
def test_what_one_request_ends_in_is_not_the_end_of_the_model(
    name: str, gone: bool, lab: Lab, tmp_path: Path
) -> None:
    fault = SURVEY[name]
    said = {"json": {"again": False, "why": "nothing is left to ask"}}
    once = [{**step, "repeat": 1} for step in fault.does]
    script = ScriptedServer.of({"when": {"says": "again"}, **said, **ALWAYS}, *once)
    caps = replace(CAPS, tokens=fault.tokens, dollars=fault.dollars)
    with serve(script) as server:
        desk = Desk.of(lab, tmp_path / "run", server.base_url, caps, **fault.settings)
        desk.mind.survey(SurveyRequest(lab.topic.question, lab.subject))
        desk.lab.budget.caps = CAPS
        read = standing(desk.lab, InterpretRequest, 1, before_round=2)
        reading = desk.mind.interpret(read)
    assert (reading == Playbook().interpret(read)) == gone
    assert ("interpretation" in desk.failed) == gone


# ---- the model at its tools ----

LOOK = {"tool_calls": [{"name": "search_literature", "arguments": {"query": "merging"}}]}
IDEAS = {"json": {"ideas": [{"family": "composition"}], "why": "it is what was asked"}}
PROPOSE = {"when": {"tools": False}, **IDEAS, **ALWAYS}


def called(name: str, arguments: object = "{}") -> dict[str, object]:
    return {"tool_calls": [{"name": name, "arguments": arguments}]}


@dataclass(frozen=True)
class Talk:
    """A conversation with tools. told: what the model is told of it. turns: it is asked so often.

    made: calls in the ledger, as tool and status. again: turns that a later session asks for.
    """

    does: Sequence[Step]
    told: str
    turns: int
    made: Sequence[tuple[str, str]] = ()
    again: int = 0


DONE = {"text": "Enough.", **ALWAYS}
TALKS: dict[str, Talk] = {
    "an invented tool": Talk([called("read_labels"), DONE], "no tool 'read_labels'; known", 2),
    "a tool that edits limits": Talk([called("edit_limits"), DONE], "no tool 'edit_limits'", 2),
    "arguments that are not JSON": Talk(
        [called("search_literature", "{query"), DONE], "not JSON", 2,
        [("search_literature", "refused")],
    ),
    "arguments of the wrong kind": Talk(
        [called("search_literature", {"query": 7}), DONE], "query", 2,
        [("search_literature", "refused")],
    ),
    "an endless tool loop": Talk(
        [{**LOOK, **ALWAYS}], "was made before", 4, [("search_literature", "ok")] * 2
    ),
    "an endless loop of invented tools": Talk([{**called("x"), **ALWAYS}], "no tool 'x'", 12),
    "a good look, then an empty answer": Talk(
        [LOOK, {"text": "", **ALWAYS}], "data between the marks", 2,
        [("search_literature", "ok")], 1,
    ),
    "tools refused": Talk(
        [{"when": {"tools": True}, **status(400, message="m does not support tools"), **ALWAYS}],
        "", 1,
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", TALKS)
def test_a_talk_with_tools_through(name: str, lab: Lab, tmp_path: Path) -> None:
    talk = TALKS[name]
    steps = [{"when": {"tools": True}, **step} for step in talk.does]
    script = ScriptedServer.of(*steps, PROPOSE)
    with serve(script) as server:
        desk = Desk.of(lab, tmp_path / "run", server.base_url)
        request = standing(desk.lab, ProposeRequest, 1, before_round=1)
        before = (desk.lab.topic, desk.lab.seeds, desk.lab.budget.caps)
        reply = desk.mind.propose(request)
    assert [p.family for p in reply.hypotheses] == ["composition"]
    assert not desk.failed
    assert len([r for r in script.requests if r.tools]) == talk.turns
    made = [(c.tool, c.status) for c in desk.lab.ledger.lines(CallLine)]
    assert made == list(talk.made)
    assert talk.told in script.requests[-1].model_dump_json()
    assert (desk.lab.topic, desk.lab.seeds, desk.lab.budget.caps) == before
    desk.check()
    answered = ScriptedServer.of(DONE)
    with serve(answered) as server:
        again = Desk.of(lab, desk.lab.folder, server.base_url)
        asked = standing(again.lab, ProposeRequest, 1, before_round=1)
        assert [p.family for p in again.mind.propose(asked).hypotheses] == ["composition"]
    assert len(answered.requests) == talk.again


# ---- the model at its paper ----

LIBRARY = Library.embedded()
FILLING = "Merging promises abilities without training, and a test tells what is left of it."
CITED = "{{citep:wortsman2022soups}}. {{run.question}}"
PARTS: dict[str, tuple[str, str, str]] = {
    "digits typed in prose": ("introduction", f"{FILLING} It reaches 78.3 here {CITED}", "78.3"),
    "number words": ("introduction", f"{FILLING} It takes ninety steps {CITED}", "ninety"),
    "an invented evidence id": (
        "introduction", f"{FILLING} Its mean is {{{{ev:0123456789ab}}}} {CITED}", "ev:0123",
    ),
    "an invented citation": (
        "introduction", f"{FILLING} As is known {{{{citep:ilharco2022task}}}}. {CITED}",
        "ilharco2023task",
    ),
    "LaTeX injection": (
        "introduction", f"{FILLING} \\input{{/etc/passwd}} \\write18{{ls}} {CITED}", "markup",
    ),
    "LaTeX injection in mathematics": (
        "introduction", f"{FILLING} $\\input{{/etc/passwd}}$ {CITED}", "input",
    ),
    "a contradictory claim": (
        "discussion", "{{D.treatment}} is better than {{D.control}} in every respect, by far.",
        "D, which is refuted",
    ),
    "instructions hidden in data that are obeyed": (
        "introduction", f"As I was told to, I report an accuracy of 99.9 percent {CITED}", "99.9",
    ),
    "a claim of novelty": (
        "introduction", f"{FILLING} It is a novel and unprecedented idea {CITED}", "novel",
    ),
    "hidden direction": ("introduction", f"{FILLING} \u202esdrawkcab {CITED}", "U+202E"),
}  # fmt: skip


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


@pytest.mark.slow
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


@pytest.mark.slow
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


# ---- money ----


def test_a_cost_line_of_every_exchange_counts_what_the_transcript_counts(
    lab: Lab, tmp_path: Path
) -> None:
    counted = {"usage": {"prompt": 1200, "completion": 45}}
    bad = {"text": GIBBERISH, "usage": {"prompt": 1000, "completion": 30}}
    prices = tmp_path / "prices.yaml"
    prices.write_text("m: {input: 2.0, output: 10.0}\n")
    with serve(ScriptedServer.of(bad, {**GOOD, **counted})) as server:
        caps = replace(CAPS, dollars=5.0)
        desk = Desk.of(lab, tmp_path / "run", server.base_url, caps, prices=prices)
        desk.mind.survey(SurveyRequest(lab.topic.question, lab.subject))
    lines = {c.what: c for c in desk.lab.ledger.lines(CostLine)}
    assert {w: c.tokens for w, c in lines.items()} == {
        "mind survey": 1030, "mind survey-repair": 1245,
    }  # fmt: skip
    assert lines["mind survey"].dollars == pytest.approx((1000 * 2 + 30 * 10) / 1e6)
    assert not any(c.unpriced_tokens for c in lines.values())
    desk.check()


def test_cpu_that_trials_overdrew_keeps_no_model_from_answering(lab: Lab, tmp_path: Path) -> None:
    with serve(ScriptedServer.of({**GOOD, **ALWAYS})) as server:
        desk = Desk.of(lab, tmp_path / "run", server.base_url, replace(CAPS, cpu_s=10.0))
        desk.lab.budget.charge(replace(CAPS, wall_s=0, tokens=0, cpu_s=11.0))
        desk.mind.survey(SurveyRequest(lab.topic.question, lab.subject))
    assert not desk.failed


# ---- the list of the issue ----

LISTED: dict[str, Sequence[str]] = {
    "401": ["401"],
    "429 with and without retry-after": ["429 with retry-after", "429 without retry-after"],
    "500 storms": ["a storm of 500"],
    "timeouts": ["a timeout"],
    "half a stream": ["half a stream"],
    "truncated JSON": ["truncated JSON"],
    "wrong schema": ["the wrong schema"],
    "huge reply": ["a huge reply"],
    "invented tool": ["an invented tool"],
    "invented evidence id": ["an invented evidence id"],
    "digits typed in prose": ["digits typed in prose"],
    "invented citation": ["an invented citation"],
    "LaTeX injection": ["LaTeX injection"],
    "endless tool loop": ["an endless tool loop"],
    "contradictory claim": ["a contradictory claim"],
    "price missing": ["price missing"],
    "server gone mid-run": ["a reset"],
    "instructions hidden in data": ["instructions hidden in data that are obeyed"],
}


def test_every_kind_of_fault_is_tried_through_the_whole_mind_and_more() -> None:
    whole = {**SURVEY, **TALKS, **PARTS}
    for kind, names in LISTED.items():
        assert set(names) <= set(whole), kind
    assert len(whole) >= 50
    on_the_wire = len(test_faults.LASTING) + len(test_faults.PASSING) + len(test_faults.UNFIT)
    assert on_the_wire >= 40


def test_a_decision_says_when_a_model_proposed_without_having_looked_around(
    lab: Lab, tmp_path: Path
) -> None:
    empty = {"when": {"tools": True}, "text": "", **ALWAYS}
    with serve(ScriptedServer.of(empty, PROPOSE)) as server:
        desk = Desk.of(lab, tmp_path / "run", server.base_url)
        reply = desk.mind.propose(standing(desk.lab, ProposeRequest, 1, before_round=1))
    assert [p.family for p in reply.hypotheses] == ["composition"]
    [line] = desk.lab.ledger.lines(DecisionLine)
    assert line.what == "not used: what the language model found out before round 1"
    assert Ledger(desk.lab.ledger.path).lines(DecisionLine) == [line]
