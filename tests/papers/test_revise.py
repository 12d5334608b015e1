"""Mechanical mends, and when to stop."""

from __future__ import annotations

from dataclasses import replace

import pytest

from papers.manuscript import Manuscript, Paragraph
from papers.review.finding import Case, Finding, Mend, Round, Severity, Unchecked
from papers.review.panel import review
from papers.revise import EMPTIED, revise, stop
from tests.papers.review_case import rewrite, saying
from tests.papers.test_review_checks import CASES


def finding(severity: Severity = "blocking", id: str = "f", mend: Mend | None = None) -> Finding:
    return Finding(
        id=id, check="c", severity=severity, where="w", what="x", fix="y", mend=mend or Mend()
    )


MENDED = (
    "untraced_number", "unbacked_reference", "text_against_table", "abstract_against_body",
    "seeds_misreported", "significance_without_test", "overclaim", "uncorrected_tests",
    "cherry_picked_seed", "failed_trials_dropped", "missing_citation", "undefined_reference",
    "duplicate_figure", "wrong_bold", "percent_for_points", "ablation_not_run",
    "unsupported_novelty", "verdict_mismatch", "sandbox_level_misreported",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", MENDED)
def test_a_mend_removes_its_finding_and_brings_no_blocking_one(name: str, sound: Case) -> None:
    guilty = CASES[name][0](sound)
    before = review(guilty)
    assert any(f.check == name for f in before.findings)
    after = review(replace(guilty, manuscript=revise(guilty.manuscript, before.findings)))
    assert [f for f in after.findings if f.check == name] == []
    known = {f.check for f in before.findings}
    assert [f for f in after.findings if f.severity == "blocking" and f.check not in known] == []


def test_no_finding_changes_nothing(sound: Case) -> None:
    assert revise(sound.manuscript, [finding()]) == sound.manuscript


def test_the_same_findings_give_the_same_revision(sound: Case) -> None:
    guilty = CASES["untraced_number"][0](sound)
    findings = review(guilty).findings
    assert revise(guilty.manuscript, findings) == revise(guilty.manuscript, findings)


def test_a_dropped_sentence_leaves_the_others(sound: Case) -> None:
    text = "The first stays. The second has 7 of them. The third stays."
    guilty = saying(sound, text)
    revised = revise(guilty.manuscript, review(guilty).findings)
    assert "The first stays. The third stays." in revised.model_dump_json()


def test_a_repeated_paragraph_is_dropped_once(sound: Case) -> None:
    text = "This paragraph is long enough to be seen as one that was written down again. " * 2
    guilty = saying(saying(sound, text), text)
    revised = revise(guilty.manuscript, review(guilty).findings)
    assert revised.model_dump_json().count(text.strip()) == 1


def test_an_unknown_key_is_dropped_from_a_group_and_a_lone_subject_with_its_sentence(
    sound: Case,
) -> None:
    text = (
        "Many did {{citep:holm1979simple,nobody2026}}. {{cite:nobody2026}} did it first. It stays."
    )
    guilty = saying(sound, text)
    revised = revise(guilty.manuscript, review(guilty).findings)
    results = next(s for s in revised.sections if s.label == "sec:results")
    assert Paragraph(text="Many did {{citep:holm1979simple}}. It stays.") in results.blocks


def test_a_section_that_review_emptied_says_so(sound: Case) -> None:
    section = next(s for s in sound.manuscript.sections if s.label == "sec:keeps")
    mend = Mend(action="drop-block", section="sec:keeps", block=0)
    revised = revise(sound.manuscript, [finding(mend=mend)])
    kept = next(s for s in revised.sections if s.label == "sec:keeps")
    assert len(section.blocks) == 1
    assert kept.blocks == (Paragraph(text=EMPTIED),)


def test_a_work_that_is_no_longer_cited_leaves_the_bibliography(sound: Case) -> None:
    uncited = rewrite(sound.manuscript, (" {{citep:ilharco2023editing}}", ""))
    assert isinstance(uncited, Manuscript)
    assert "ilharco2023editing" not in revise(uncited, [finding()]).bibliography


@pytest.mark.parametrize(
    ("rounds", "word"),
    [
        ([], ""),
        ([Round(findings=())], "nothing blocks"),
        ([Round(findings=(finding("minor"),))], "nothing blocks"),
        ([Round(findings=(finding("major"),))], ""),
        ([Round(findings=(finding("major"),))] * 2, "nothing blocks"),
        ([Round(findings=(finding(),))], ""),
        ([Round(findings=(finding(),))] * 2, "changed no finding"),
        ([Round(findings=(finding(id=str(n)),)) for n in range(3)], "3 rounds"),
    ],
)
def test_the_rule_for_stopping(rounds: list[Round], word: str) -> None:
    assert stop(rounds).find(word) >= 0 if word else stop(rounds) == ""


def test_an_unchecked_blocking_check_keeps_the_round_blocked() -> None:
    unchecked = Unchecked(check="altered_number", blocking=True, reason="not built")
    assert Round(findings=(), unchecked=(unchecked,)).blocked
    assert not Round(
        findings=(), unchecked=(unchecked.model_copy(update={"blocking": False}),)
    ).blocked


def test_a_spent_budget_stops() -> None:
    assert stop([Round(findings=(finding(),))], budget_left=False) == "the budget is spent"
