"""Every fault of a request through the whole mind, over HTTP: who answered, what is recorded.

The same faults on the wire alone are in tests/agent/endpoint/test_faults.py.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agent.endpoint.scripted_server import ScriptedServer
from agent.endpoint.server import serve
from agent.findings import standing
from agent.lab import Lab
from agent.minds.mind import InterpretRequest, SurveyRequest
from agent.minds.playbook.playbook import Playbook
from sandbox.records import CostLine
from tests.agent.fault_desk import CAPS, NOBODY, Desk
from tests.agent.faults import ALWAYS, AWAY, GOOD, QUERIES, SURVEY, Fault
from tests.agent.spoken import GIBBERISH

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("quick_retries")]


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
