"""The morning page, written over a small run made by hand."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from agent.budget import Spend
from agent.summary import summary
from papers.verify import Verification
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
