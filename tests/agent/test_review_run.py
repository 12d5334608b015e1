"""A whole run in which a recorded model reviews its own paper, and answers its own advice."""

from __future__ import annotations

import json

import pytest

from agent.ending import Ending
from agent.run import resume
from agent.settings import read_settings
from papers.review.finding import Round
from papers.verify import verify
from sandbox.ledger import Ledger
from sandbox.records import DecisionLine, ReviewLine
from tests.agent.spoken import GIBBERISH, Reply, part
from tests.agent.whole_run import recorded_run

pytestmark = pytest.mark.full
DISCUSSED = "What {{A.section}} says of a miniature may not hold of larger models"
WEAK = {
    "severity": "major",
    "where": "discussion",
    "what": "The discussion names no rival explanation of the outcome.",
    "fix": "Name one, and say which experiment would tell them apart.",
}
SAID: dict[str, Reply] = {
    "survey": {"queries": ["task arithmetic", "merging languages"]},
    "explore-1/1": "I have no question to the tools.",
    "propose-1": {"ideas": [{"family": "composition"}], "why": "it is what was asked"},
    "write-discussion": part(
        ("Scale", f"{DISCUSSED}, where experts have room to differ {{{{citep:yadav2024scale}}}}.")
    ),
    "review-1": {"findings": [WEAK, {**WEAK, "severity": "minor", "where": "limitations"}]},
    "revise-1-discussion": part(
        ("Scale", f"{DISCUSSED}; a rival explanation is that small experts hardly differ at all, "
         "and larger ones would tell {{citep:yadav2024scale}}.")
    ),
    "review-2": GIBBERISH,
    "review-2-repair": GIBBERISH,
}  # fmt: skip
PARTS = ("finding-A", "overview", "introduction", "related-work", "conclusion", "abstract")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Ending:
    """A model that writes the discussion alone, reviews it, and mends it."""
    return recorded_run(tmp_path_factory.mktemp("reviewed"), SAID, PARTS)


def rounds(run: Ending) -> list[Round]:
    files = [line.file for line in Ledger(run.run / "ledger.jsonl").lines(ReviewLine)]
    return [Round.model_validate_json((run.run / file).read_bytes()) for file in files]


def test_advice_stands_beside_the_findings_with_its_author(run: Ending) -> None:
    first, *_ = rounds(run)
    assert first.opinion.author == "language-model"
    assert [(a.severity, a.where) for a in first.opinion.findings] == [
        ("major", "sec:discussion"), ("minor", "sec:limitations"),
    ]  # fmt: skip
    assert not {"major", "blocking"} & {f.severity for f in first.findings}
    [line, *_] = Ledger(run.run / "ledger.jsonl").lines(ReviewLine)
    assert (line.blocking, line.major) == (0, 0)


def test_the_part_is_rewritten_once_and_the_loop_ends(run: Ending) -> None:
    assert (run.status, len(rounds(run))) == ("published", 2)
    text = json.dumps(json.loads((run.run / "paper" / "manuscript.json").read_text("utf-8")))
    assert "a rival explanation is that small experts hardly differ" in text
    assert verify(run.run).ok
    [answer] = [
        line for line in Ledger(run.run / "ledger.jsonl").lines(DecisionLine)
        if line.what.startswith("answer to a model's review")
    ]  # fmt: skip
    assert answer.why == "rewritten: sec:discussion; left as it was: sec:limitations"


def test_a_review_that_failed_is_said_and_is_not_a_clean_one(run: Ending) -> None:
    _, second = rounds(run)
    assert second.opinion.findings == ()
    assert second.opinion.missing == "its reply was not usable"


def test_the_summary_tells_a_models_findings_apart_and_the_paper_does_not(run: Ending) -> None:
    said = (run.run / "SUMMARY.md").read_text(encoding="utf-8")
    _, _, told = said.partition("## A model's findings")
    assert "it blocked nothing" in told
    assert "round 1, major, Discussion: The discussion names no rival" in told
    assert "(rewritten since)" in told
    assert "(the text was left as it was)" in told
    assert "round 2: no model's findings, for its reply was not usable" in told
    for page in ("paper.html", "paper.tex"):
        assert "names no rival" not in (run.run / "paper" / page).read_text(encoding="utf-8")


def test_a_finished_run_asks_for_no_further_review(run: Ending) -> None:
    before = (run.run / "ledger.jsonl").read_bytes()
    resume(run.run, read_settings(None, {}, {}, run.run / "none"))
    assert (run.run / "ledger.jsonl").read_bytes() == before
