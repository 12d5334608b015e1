"""A whole run with a recorded model: what it wrote well is in the paper, the rest is said."""

from __future__ import annotations

import re

import pytest

from agent.ending import Ending
from agent.run import resume
from agent.settings import read_settings
from papers.manuscript import Manuscript
from papers.verify import verify
from sandbox.ledger import Ledger
from sandbox.records import FailureLine, HypothesisLine
from tests.agent.spoken import Reply, part
from tests.agent.whole_run import recorded_run

pytestmark = pytest.mark.slow
SAID: dict[str, Reply] = {
    "survey": {"queries": ["task arithmetic", "merging languages"]},
    "explore-1/1": "I have no question to the tools.",
    "propose-1": {"ideas": [{"family": "composition"}], "why": "it is what was asked"},
    "write-introduction": part(
        "Merging promises abilities without training {{citep:wortsman2022soups}}. {{run.question}}"
    ),
    "write-discussion": part(
        ("Scale", "What {{A.section}} says of a miniature may not hold of larger models, where "
         "experts have more room to differ {{citep:yadav2024scale}}.")
    ),
}  # fmt: skip
PARTS = ("finding-A", "overview", "related-work", "conclusion", "abstract")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Ending:
    """A model that does some parts well and babbles in the others."""
    return recorded_run(tmp_path_factory.mktemp("model"), SAID, PARTS)


def test_the_run_ends_in_a_verified_paper(run: Ending) -> None:
    assert run.status == "published"
    assert verify(run.run).ok
    families = [h.family for h in Ledger(run.run / "ledger.jsonl").lines(HypothesisLine)]
    assert families == ["composition"]


def test_the_first_page_says_who_wrote_what(run: Ending) -> None:
    body = (run.run / "paper" / "manuscript.json").read_text(encoding="utf-8")
    paper = Manuscript.model_validate_json(body)
    assert paper.mind == "language-model and playbook"
    assert paper.authorship.startswith(
        "A language model wrote the discussion and the introduction; Hanji's built-in mind wrote "
    )
    assert not re.search(r"\d", paper.authorship)
    for page in ("paper/paper.html", "paper/paper.tex", "SUMMARY.md"):
        text = (run.run / page).read_text(encoding="utf-8")
        assert "wrote the discussion and the introduction" in text.replace("\n", " "), page
    failed = {f.what for f in Ledger(run.run / "ledger.jsonl").lines(FailureLine)}
    assert "abstract: its reply was not usable; the built-in mind did it" in failed


def test_the_paper_names_the_model_and_run_json_no_key(run: Ending) -> None:
    page = (run.run / "paper" / "paper.html").read_text(encoding="utf-8")
    assert "some-model" in page
    assert "uses no language model" not in page
    assert '"model": "some-model"' in (run.run / "run.json").read_text(encoding="utf-8")


def test_a_finished_run_resumes_to_the_same(run: Ending) -> None:
    before = (run.run / "ledger.jsonl").read_bytes()
    again = resume(run.run, read_settings(None, {}, {}, run.run / "none"))
    assert again.status == run.status
    assert (run.run / "ledger.jsonl").read_bytes() == before
