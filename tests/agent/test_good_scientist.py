"""Whole runs of a model that works as a careful scientist does, replayed from recordings.

It writes code that breaks a law, reads which one, repairs it, tests what it wrote against what is
built in, takes the answer as it comes, and mends its text after a review. No server is asked.
On architectures a replay trains everything again, the known order too: ten minutes of two cores.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from pydantic import JsonValue

from agent.minds.playbook.family import gates, is_gate
from agent.topic import topic_from
from papers.manuscript import Manuscript
from papers.verify import verify
from sandbox.ledger import Ledger
from sandbox.records import (
    CodeLine,
    CostLine,
    EvidenceLine,
    FailureLine,
    HypothesisLine,
    VerdictLine,
)
from tests.agent.whole_run import whole_run

pytestmark = [pytest.mark.full, pytest.mark.timeout(7200)]
CASSETTES = Path(__file__).parents[1] / "cassettes"
AUTHORSHIP = (
    "A language model wrote findings, the overview, the discussion, the introduction, the related "
    "work, the conclusion and the abstract; Hanji's built-in mind wrote the method, the set-up and "
    "the limitations."
)


@dataclass(frozen=True)
class Recorded:
    """What a recording holds. law: that the first attempt broke. ruled: hypothesis -> ruling."""

    name: str
    domain: str
    code: str
    law: str
    ruled: dict[str, str]
    revised: str


MERGING = Recorded(
    "good-scientist-merging",
    "merging",
    "methods/restored_sum.py",
    "values: the merge of finite models is not finite",
    {
        "Restoring the length of the sum helps a tuned merge": "inconclusive",
        "Sharing the length out by tensor passes one longer step": "refuted",
    },
    "Nothing here compares the longer step with plain task arithmetic",
)
ARCHITECTURES = Recorded(
    "good-scientist-architectures",
    "architectures",
    "blocks/forgetting_memory.py",
    "decoding: one position at a time differs from all at once",
    {
        "Forgetting memory keeps up with SSD": "inconclusive",
        "Forgetting by the input adds to fading in narrow models": "inconclusive",
    },
    "No advice on which block to use follows from",
)


def replayed(recorded: Recorded, home: Path) -> Path:
    """The run again, without a server."""
    cassette = CASSETTES / recorded.name
    body = yaml.safe_load((cassette / "topic.yaml").read_text(encoding="utf-8"))
    topic = topic_from(body, cassette, "topic.yaml")
    ending = whole_run(home, topic, replay=str(cassette / "cassette.jsonl"))
    assert ending.status == "published"
    return ending.run


@pytest.fixture(scope="module", params=[MERGING, ARCHITECTURES], ids=["merging", "architectures"])
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Recorded, Path]]:
    recorded: Recorded = request.param
    yield recorded, replayed(recorded, tmp_path_factory.mktemp("scientist"))


def test_what_breaks_a_law_is_repaired_and_admitted(pair: tuple[Recorded, Path]) -> None:
    recorded, run = pair
    refused, kept = Ledger(run / "ledger.jsonl").lines(CodeLine)
    assert (refused.lawful, kept.lawful) == (False, True)
    assert recorded.law in refused.summary
    assert kept.file == recorded.code
    assert {refused.author, kept.author} == {"language-model"}


def test_every_hypothesis_is_the_models_and_is_ruled_on(pair: tuple[Recorded, Path]) -> None:
    recorded, run = pair
    ledger = Ledger(run / "ledger.jsonl")
    asked = [h for h in ledger.lines(HypothesisLine) if not is_gate(h, recorded.domain)]
    assert {line.title: rulings(ledger)[line.id] for line in asked} == recorded.ruled
    stood_in = [line.what for line in ledger.lines(FailureLine) if line.stage == "mind"]
    assert stood_in == []


def test_the_known_order_of_the_domain_is_reproduced_first(pair: tuple[Recorded, Path]) -> None:
    recorded, run = pair
    ledger = Ledger(run / "ledger.jsonl")
    order = [h for h in ledger.lines(HypothesisLine) if is_gate(h, recorded.domain)]
    assert {line.family for line in order} == set(gates(recorded.domain))
    assert {(line.round, rulings(ledger)[line.id]) for line in order} <= {(1, "supported")}
    assert manuscript(run).banner == ""


def test_the_paper_is_reviewed_verified_and_says_who_wrote_it(pair: tuple[Recorded, Path]) -> None:
    recorded, run = pair
    assert verify(run).ok, verify(run).places
    assert manuscript(run).authorship.startswith(AUTHORSHIP)
    page = " ".join((run / "paper" / "paper.tex").read_text(encoding="utf-8").split())
    assert "A language model wrote findings" in page
    assert recorded.revised in page
    assert (run / "reviews" / "round-2.json").is_file()
    assert "language-model, attempt 2, kept as" in (run / "SUMMARY.md").read_text(encoding="utf-8")


def test_no_server_is_asked_and_every_exchange_is_the_recordings(
    pair: tuple[Recorded, Path],
) -> None:
    recorded, run = pair
    lines = (CASSETTES / recorded.name / "cassette.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(list((run / "mind").glob("*.json"))) == len(lines)
    spent = Ledger(run / "ledger.jsonl").lines(CostLine)
    assert [line.what for line in spent if line.tokens] == []


def test_another_replay_gives_the_same_paper(
    pair: tuple[Recorded, Path], tmp_path_factory: pytest.TempPathFactory
) -> None:
    recorded, run = pair
    again = replayed(recorded, tmp_path_factory.mktemp("again"))
    assert printed(again) == printed(run)
    assert measured(again) == measured(run)


def rulings(ledger: Ledger) -> dict[str, str]:
    """Id of a hypothesis -> its ruling."""
    return {line.hypothesis: line.ruling for line in ledger.lines(VerdictLine)}


def manuscript(run: Path) -> Manuscript:
    """The paper before it is typeset: what it says, with references to what it rests on."""
    text = (run / "paper" / "manuscript.json").read_text(encoding="utf-8")
    return Manuscript.model_validate_json(text)


def printed(run: Path) -> JsonValue:
    """All that the paper says, but for the run's own name."""
    body: JsonValue = manuscript(run).model_dump(mode="json", exclude={"run"})
    return body


def measured(run: Path) -> list[tuple[str, int, str, str, float]]:
    """What the references of the paper stand for, but for times."""
    lines = Ledger(run / "ledger.jsonl").lines(EvidenceLine)
    return [
        (line.arm, line.seed, line.task, line.metric, line.value)
        for line in sorted(lines, key=lambda line: line.id)
        if line.metric == "accuracy"
    ]
