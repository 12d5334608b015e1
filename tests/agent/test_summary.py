"""The morning page, written over a small run made by hand."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from agent.budget import Spend
from agent.ending import Ending
from agent.farewell import ending_facts
from agent.summary import summary
from papers.verify import Verification
from sandbox.ledger import Ledger
from sandbox.records import ComparisonLine, CostLine
from tests.papers.sample_run import sample_run

FOUND = Verification(
    ok=True, chain=True, evidence=True, numbers=12, untraced=(), altered=(), places=(), pdf="absent"
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("night of") / "run"
    ledger, facts, _, _, _ = sample_run(folder)
    facts["command"] = f"hanji run {facts['id']}/topic.yaml --seed 3"
    return SimpleNamespace(
        folder=folder,
        ledger=ledger,
        facts=facts,
        topic=SimpleNamespace(title="A title", question=facts["question"]),
        subject=SimpleNamespace(name="own", domain="merging", caveat="", **{
            key: facts["subject"][key] for key in ("primary", "pairing")
        }),
        budget=SimpleNamespace(spent=lambda: Spend(wall_s=25.2)),
        session=1,
    )  # fmt: skip


def test_the_page_answers_with_both_sides_the_effect_its_interval_and_the_prediction(lab):
    page = summary(lab, "", "", FOUND)
    assert f"The question: {lab.topic.question}" in page
    assert "The paper passed its review. Hypotheses: " in page
    verdict = page.split("- **", 2)[1]
    for part in (" against ", " pp (", " to ", " pairs; predicted ", " or more"):
        assert part in verdict
    assert "Highest mean on the primary task, which states no test: " in page


def test_durations_and_commands_can_be_read_and_copied(lab):
    page = summary(lab, "", "", FOUND)
    assert ", 25 s of wall time\n" in page
    assert f"hanji run '{lab.folder}/topic.yaml' --seed 3" in page
    assert f"`hanji verify '{lab.folder}'`" in page
    assert lab.facts["subject"]["pairing"] in page


def test_a_run_without_a_paper_says_so_first_and_how_to_go_on(lab):
    page = summary(lab, "the disk is full", "", None)
    assert "THE RUN FAILED" in page.split("## ")[0]
    assert "- the disk is full" in page
    assert f"`hanji resume '{lab.folder}'`" in page


def test_a_paper_that_failed_its_review_is_a_failure_of_the_run(lab):
    page = summary(lab, "", "FAILED REVIEW: wrong bold.", FOUND)
    assert "FAILED REVIEW: wrong bold." in page.split("## ")[0]
    assert "## What failed\n\n- the paper's review" in page


@pytest.mark.parametrize(("mean", "said"), [(0.985, True), (0.93, False)])
def test_sides_at_the_ceiling_are_to_be_distrusted(lab, monkeypatch, mean, said):
    found = lab.ledger.lines(ComparisonLine)[0]
    at = found.model_copy(update={"treatment_mean": 0.999, "control_mean": mean})
    monkeypatch.setattr("agent.summary._beyond_the_gate", lambda lab: [at])
    assert ("both sides answer nearly everything" in summary(lab, "", "", FOUND)) == said


def spent(tokens: int, unpriced: int, dollars: float = 0.0) -> CostLine:
    return CostLine(
        id=f"c{tokens}",
        what="mind survey",
        tokens=tokens,
        dollars=dollars,
        unpriced_tokens=unpriced,
    )


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], []),
        ([spent(1200, 0, 0.0042), spent(800, 0, 1.5)], ["2,000 tokens", "for 1.50 dollars"]),
        ([spent(1200, 1200)], ["for an unknown amount: the price of 1,200 tokens is missing"]),
        (
            [spent(1200, 1200), spent(800, 0, 1.5)],
            ["1.50 dollars and an unknown amount: the price of 1,200 tokens is missing"],
        ),
    ],
)
def test_the_page_says_what_a_model_cost_and_what_nobody_knows(tmp_path, lab, lines, said):
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(lab.ledger.path.read_bytes())
    ledger = Ledger(path)
    for line in lines:
        ledger.append(line)
    page = summary(SimpleNamespace(**{**vars(lab), "ledger": ledger}), "", "", FOUND)
    for words in said:
        assert words in page
    assert ("tokens of a language model" in page) == bool(lines)
    assert "0.00 dollars" not in page


@pytest.mark.parametrize(("unpriced", "dollars"), [(0, 1.25), (900, None)])
def test_machines_are_told_null_where_money_is_unknown(tmp_path, unpriced, dollars):
    spend = Spend(tokens=1000, dollars=1.25)
    ended = Ending(tmp_path, "published", None, {}, 1.0, spend, unpriced_tokens=unpriced)
    found = ending_facts(ended)["spend"]
    assert isinstance(found, dict)
    assert (found["tokens"], found["dollars"]) == (1000, dollars)
