"""The reviewer's checklist is answered from records, whatever their number."""

from __future__ import annotations

from papers.review.finding import Case
from papers.review.rubric import checklist
from sandbox.records import AnyLine, ComparisonLine, FailureLine
from tests.papers.review_case import recorded


def answers(case: Case) -> dict[str, tuple[str, str]]:
    return {question: (answer, facts) for question, answer, facts in checklist(case)}


def test_a_failed_trial_that_no_failure_records_is_answered_with_no(sound: Case) -> None:
    question = "Are failures and deviations recorded?"
    assert answers(sound)[question][0] == "yes"
    silent = recorded(sound, lambda line: None if isinstance(line, FailureLine) else line)
    assert answers(silent)[question][0] == "no"


def test_pairs_and_tests_are_told_as_they_are(sound: Case) -> None:
    question = "Are results tested, corrected, and given with intervals?"
    assert answers(sound)[question][1].startswith("exact paired tests: 4, pairs in each: 8, ")

    def sampled(line: AnyLine) -> AnyLine:
        if isinstance(line, ComparisonLine) and line.id == lines[0].id:
            return line.model_copy(update={"exact": False, "pairs": 24})
        return line

    lines = sound.ledger.lines(ComparisonLine)
    told = answers(recorded(sound, sampled))[question][1]
    assert told.startswith("sign-flip paired tests: 4, pairs in each: 8 to 24, ")
