"""The story of one run, from a question to a verified paper, told in the order in which it happens.

Small enough for a suite: quick specialists, three pairs, hypotheses that need few trials.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.ending import Ending
from agent.progress import Event
from agent.run import begin, resume
from agent.settings import Settings, read_settings
from agent.topic import Topic, topic_from
from papers.verify import verify
from sandbox.ledger import Ledger
from sandbox.records import (
    CallLine,
    ClaimLine,
    ComparisonLine,
    DecisionLine,
    EvidenceLine,
    HypothesisLine,
    PaperLine,
    PlanLine,
    ReviewLine,
    TrialLine,
    VerdictLine,
)

pytestmark = pytest.mark.slow


@dataclass
class Night:
    """One finished run, and what was seen of it."""

    topic: Topic
    settings: Settings
    ending: Ending
    ledger: Ledger
    events: list[Event]

    def at(self, kind):
        return [i for i, s in enumerate(self.ledger.sealed()) if isinstance(s.line, kind)]


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    home = tmp_path_factory.mktemp("night")
    body = {
        "question": "Does the end of a network carry the language of its answer?",
        "profile": "quick",
        "first": ["layer_swap", "transfer"],
        "hypotheses": 3,
        "alpha": 0.45,
        "seeds": 3,
        "evaluations": 15,
        "budget": {"wall": "4m"},
    }
    topic = topic_from(body, home, "topic")
    flags = {"runs": home / "runs", "cache": home / "cache", "workers": 2}
    settings = read_settings(topic, flags, {}, home / "none")
    events: list[Event] = []
    ending = begin(topic, settings, events.append)
    return Night(topic, settings, ending, Ledger(ending.run / "ledger.jsonl"), events)


def test_first_the_question_is_written_down(night):
    assert night.at(CallLine)[0] > 0
    assert night.ledger.sealed()[0].line.question == night.topic.question
    facts = json.loads((night.ending.run / "run.json").read_text(encoding="utf-8"))
    assert facts["subject"]["primary"] == "largest.ko"
    assert facts["sandbox"]["confined"]


def test_then_the_literature_is_searched(night):
    searches = [c for c in night.ledger.lines(CallLine) if c.tool == "search_literature"]
    assert len(searches) >= 5
    assert all(c.status == "ok" for c in searches)


def test_the_mind_chooses_what_the_topic_asks_and_says_why(night):
    first = night.ledger.lines(DecisionLine)[0]
    opening = [h.family for h in night.ledger.lines(HypothesisLine) if h.round == 1]
    assert {"layer_swap", "transfer"} <= set(opening)
    assert first.why
    assert len(first.weights) >= 8


def test_every_plan_is_frozen_before_its_first_trial(night):
    opening = [p for p in night.ledger.lines(PlanLine) if p.round == 1]
    assert len(opening) == len([h for h in night.ledger.lines(HypothesisLine) if h.round == 1])
    frozen = [i for i in night.at(PlanLine) if night.ledger.sealed()[i].line.round == 1]
    assert max(frozen) < min(night.at(TrialLine))


def test_every_trial_runs_in_the_sandbox_once_for_each_seed(night):
    trials = night.ledger.lines(TrialLine)
    assert all(t.status == "ok" for t in trials)
    assert {t.isolation for t in trials} == {"bubblewrap"}
    assert len({(t.arm, t.seed) for t in trials}) == len(trials)
    calls = [c for c in night.ledger.lines(CallLine) if c.trials]
    assert {id for c in calls for id in c.trials} <= {t.id for t in trials}


def test_predictions_are_scored_by_the_trusted_side(night):
    scores = [e for e in night.ledger.lines(EvidenceLine) if e.metric == "accuracy"]
    assert all(0 <= e.correct <= e.items for e in scores)
    assert all(e.value == pytest.approx(e.correct / e.items) for e in scores)


def test_what_was_found_leads_to_another_question(night):
    rounds = {h.round for h in night.ledger.lines(HypothesisLine)}
    assert rounds >= {1}
    assert len(night.ledger.lines(HypothesisLine)) <= night.topic.hypotheses


def test_every_hypothesis_with_a_plan_gets_a_verdict_and_a_claim(night):
    planned = {p.hypothesis for p in night.ledger.lines(PlanLine)}
    assert {v.hypothesis for v in night.ledger.lines(VerdictLine)} == planned
    assert {c.hypothesis for c in night.ledger.lines(ClaimLine)} == planned
    assert all(v.family_size == night.topic.hypotheses for v in night.ledger.lines(VerdictLine))
    assert min(night.at(VerdictLine)) > max(night.at(ComparisonLine))


def test_the_paper_is_reviewed_and_published(night):
    assert night.ledger.lines(ReviewLine)
    assert night.ledger.lines(PaperLine)[-1].status == night.ending.status
    assert night.ending.paper is not None
    assert night.ending.paper.is_file()


def test_every_number_of_the_paper_is_backed(night):
    found = verify(night.ending.run)
    assert found.ok, found.places


def test_the_morning_page_says_what_happened(night):
    text = (night.ending.run / "SUMMARY.md").read_text(encoding="utf-8")
    for heading in ("Verdicts", "What failed", "What it cost", "Why it stopped", "distrust"):
        assert heading in text
    assert all(title in text for title in night.ending.verdicts)


def test_a_person_could_follow_it_all_the_while(night):
    stages = list(dict.fromkeys(event.stage for event in night.events))
    assert stages[:5] == ["survey", "hypothesize", "design", "experiment", "interpret"]
    assert stages[-1] == "publish"
    assert max(e.trials_done for e in night.events) > 0
    assert all(e.left_s <= 240 for e in night.events)


def test_a_finished_run_is_not_begun_again(night):
    head = night.ledger.head
    again = resume(night.ending.run, night.settings)
    assert again.status == night.ending.status
    assert Path(night.ending.run / "ledger.jsonl").read_text(encoding="utf-8").count(head) >= 1
    assert Ledger(night.ending.run / "ledger.jsonl").head == head
