"""Every fault of a conversation with tools through the whole mind, over HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.endpoint.scripted_server import ScriptedServer
from agent.endpoint.server import serve
from agent.findings import standing
from agent.lab import Lab
from agent.minds.mind import ProposeRequest
from sandbox.ledger import Ledger
from sandbox.records import CallLine, DecisionLine
from tests.agent.fault_desk import Desk
from tests.agent.faults import ALWAYS, DONE, PROPOSE, TALKS

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("quick_retries")]


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
