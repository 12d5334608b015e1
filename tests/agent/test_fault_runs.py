"""Whole runs with a server that babbles, dies, or costs more than there is; over real HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from agent.ending import Ending
from agent.endpoint.faults import Close
from agent.endpoint.protocol import ChatRequest, Reply
from agent.endpoint.scripted_server import ScriptedServer
from agent.endpoint.server import serve
from agent.endpoint.transcript import read_exchanges
from agent.endpoint.wire import Behaviour
from papers.manuscript import Manuscript
from papers.verify import verify
from sandbox.ledger import Ledger
from sandbox.records import CostLine, FailureLine, HypothesisLine
from tests.agent.spoken import GIBBERISH, part
from tests.agent.whole_run import ONE_QUESTION, whole_run

pytestmark = pytest.mark.slow
ALWAYS = {"repeat": "forever"}
USAGE = {"usage": {"prompt": 2000, "completion": 100}}
INTRODUCTION = "The part: the introduction"
GOOD = [
    {"when": {"says": '"title": "Queries"'}, "json": {"queries": ["task arithmetic"]}},
    {"when": {"tools": True}, "text": "I have no question to the tools.", **ALWAYS},
    {
        "when": {"says": '"title": "ModelIdeas"'},
        "json": {"ideas": [{"family": "composition"}], "why": "it is what was asked"},
        **ALWAYS,
    },
    {
        "when": {"says": INTRODUCTION},
        "json": part(
            "Merging promises abilities without training, and a test tells what is left of it "
            "{{citep:wortsman2022soups}}. {{run.question}}"
        ),
        **ALWAYS,
    },
]
BABBLE: Mapping[str, object] = {"text": GIBBERISH, **ALWAYS}


def research(home: Path, base_url: str, tokens: int, stop: threading.Event | None = None) -> Ending:
    endpoint = {"base_url": base_url, "model": "m", "timeout_s": 20, "retries": 2}
    body = {**ONE_QUESTION, "budget": {"wall": "30m", "tokens": tokens}}
    return whole_run(home, body, stop, endpoint=endpoint)


def paper_of(run: Path) -> Manuscript:
    return Manuscript.model_validate_json((run / "paper" / "manuscript.json").read_bytes())


def tokens_of(run: Path) -> tuple[int, int]:
    """What the ledger and what the transcript counted."""
    replies = [e.reply for e in read_exchanges(run) if e.reply is not None]
    costs = Ledger(run / "ledger.jsonl").lines(CostLine)
    transcript = sum(r.prompt_tokens + r.completion_tokens for r in replies)
    return sum(c.tokens for c in costs if c.what.startswith("mind ")), transcript


def test_gibberish_for_every_request_ends_within_budget_in_an_honest_report(tmp_path: Path) -> None:
    script = ScriptedServer.of(BABBLE)
    with serve(script) as server:
        ending = research(tmp_path, server.base_url, tokens=2_000_000)
    assert ending.status == "published"
    assert verify(ending.run).ok
    page = (ending.run / "SUMMARY.md").read_text(encoding="utf-8")
    said = "A language model was asked and wrote no part of this text"
    assert said in paper_of(ending.run).authorship
    for text in (page, (ending.run / "paper" / "paper.html").read_text(encoding="utf-8")):
        assert said in text.replace("\n", " ")
        assert "blorp" not in text
    failed = {f.what for f in Ledger(ending.run / "ledger.jsonl").lines(FailureLine)}
    assert "proposals: its reply was not usable; the built-in mind did it" in failed
    ledger, transcript = tokens_of(ending.run)
    assert ledger == transcript == ending.spend.tokens <= 2_000_000
    often = f"{len(read_exchanges(ending.run))} exchanges"
    assert f"- {ledger:,} tokens of a language model in {often}, for an unknown amount" in page
    stood_in = "its reply was not usable; the built-in mind did 9 requests in its place: survey, "
    assert f"- language model: {stood_in}" in page


@pytest.mark.full
def test_tokens_that_run_out_in_the_middle_leave_the_rest_to_the_built_in_mind(
    tmp_path: Path,
) -> None:
    cap = 75_000
    costly = [{**step, "usage": {"prompt": 12_000, "completion": 500}} for step in GOOD]
    script = ScriptedServer.of(*costly, {**BABBLE, "usage": {"prompt": 12_000, "completion": 500}})
    with serve(script) as server:
        ending = research(tmp_path, server.base_url, tokens=cap)
    assert ending.status == "published"
    families = [h.family for h in Ledger(ending.run / "ledger.jsonl").lines(HypothesisLine)]
    assert families == ["composition"]
    authorship = paper_of(ending.run).authorship
    assert "(its share of the budget was spent)" in authorship
    page = (ending.run / "SUMMARY.md").read_text(encoding="utf-8")
    assert "(its share of the budget was spent)" in page
    ledger, transcript = tokens_of(ending.run)
    assert ledger == transcript == ending.spend.tokens
    assert 0 < ledger <= cap
    assert len(script.requests) == ledger // 12_500


class Dying:
    """Answers by a script until it is asked for the introduction; then the run is stopped too."""

    models: tuple[str, ...] = ()

    def __init__(self, stop: threading.Event) -> None:
        self.script = ScriptedServer.of(*GOOD, BABBLE)
        self.answered: list[str] = []
        self._stop = stop

    def answer(self, request: ChatRequest) -> Reply | Behaviour:
        if INTRODUCTION in request.said:
            self._stop.set()
            return Close()
        self.answered.append(repr(request.messages))
        return self.script.answer(request)


def test_a_run_whose_server_dies_goes_on_with_another_and_asks_nothing_twice(
    tmp_path: Path,
) -> None:
    stop = threading.Event()
    dying = Dying(stop)
    with serve(dying) as server:
        ending = research(tmp_path, server.base_url, tokens=2_000_000, stop=stop)
    assert ending.status == "stopped"
    kept = {e.key: e for e in read_exchanges(ending.run) if e.reply is not None}
    assert len(kept) == len(dying.answered) > 3
    other = ScriptedServer.of(*GOOD, BABBLE)
    with serve(other) as server:
        told = resumed(ending.run, server.base_url)
    assert told["status"] == "published"
    assert not {repr(request.messages) for request in other.requests} & set(dying.answered)
    after = {e.key: e for e in read_exchanges(ending.run) if e.reply is not None}
    assert {key: after[key] for key in kept} == kept
    assert len(after) == len(kept) + len(other.requests)
    assert paper_of(ending.run).authorship.startswith("A language model wrote the introduction;")
    spend = told["spend"]
    assert isinstance(spend, dict)
    ledger, transcript = tokens_of(ending.run)
    assert ledger == spend["tokens"] >= transcript
    assert spend["dollars"] is None


def resumed(run: Path, base_url: str) -> dict[str, object]:
    """What `hanji resume` with another server ends with."""
    hanji = str(Path(sys.executable).with_name("hanji"))
    call = [hanji, "resume", str(run), "--base-url", base_url]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("HANJI", "OPENAI"))}
    done = subprocess.run(
        [*call, "--json"], capture_output=True, text=True, env=environment, timeout=500, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    facts: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return facts
