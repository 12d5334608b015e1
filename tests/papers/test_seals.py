"""Every digest of a ledger is compared with the disk, and what cannot be read is no pass."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from papers.review.finding import Case
from papers.review.seals import broken_seals, sha256
from sandbox.records import AnyLine, EvidenceLine, PlanLine, RunLine, TrialLine
from tests.papers.review_case import recorded, sound_case


@pytest.fixture
def sealed(tmp_path: Path) -> tuple[Case, Path]:
    return sound_case(tmp_path / "run"), tmp_path / "run"


def broken(case: Case, folder: Path) -> list[str]:
    return list(broken_seals(folder, case.ledger))


def test_a_run_as_it_was_sealed_breaks_nothing(sealed: tuple[Case, Path]) -> None:
    assert broken(*sealed) == []


def test_a_ledger_that_never_began_the_run_seals_no_settings(sealed: tuple[Case, Path]) -> None:
    case, folder = sealed
    headless = recorded(case, lambda line: None if isinstance(line, RunLine) else line)
    assert any("no beginning of the run" in said for said in broken(headless, folder))


def test_evidence_of_another_arm_than_its_trial_is_found(sealed: tuple[Case, Path]) -> None:
    case, folder = sealed
    first = case.ledger.lines(EvidenceLine)[0].id
    lent = recorded(
        case,
        lambda line: (
            line.model_copy(update={"arm": "another"})
            if isinstance(line, EvidenceLine) and line.id == first
            else line
        ),
    )
    (said,) = broken(lent, folder)
    assert f"evidence {first} does not fit its trial" in said


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b'{"a": NaN}', b"no json"])
def test_a_file_that_cannot_be_read_is_named(sealed: tuple[Case, Path], content: bytes) -> None:
    case, folder = sealed
    plan = case.ledger.lines(PlanLine)[0].file
    for name in ("run.json", plan):
        (folder / name).write_bytes(content)
    said = broken(case, folder)
    assert any(s.startswith("run.json") for s in said)
    assert any(s.startswith(plan) for s in said)


def test_answers_of_another_job_are_sealed_with_their_trial(sealed: tuple[Case, Path]) -> None:
    case, folder = sealed
    trial = next(t for t in case.ledger.lines(TrialLine) if t.status == "ok")
    answers = folder / "trials" / trial.id / "answers-1" / "result.json"
    answers.parent.mkdir(parents=True)
    answers.write_text("{}", encoding="utf-8")

    def with_answers(line: AnyLine) -> AnyLine:
        if isinstance(line, TrialLine) and line.id == trial.id:
            return line.model_copy(update={"answer_digests": (sha256(answers),)})
        return line

    asked = recorded(case, with_answers)
    assert broken(asked, folder) == []
    answers.write_text('{"predictions": {}}', encoding="utf-8")
    (said,) = broken(asked, folder)
    assert "answers-1/result.json is not the file that the ledger sealed" in said


@pytest.mark.parametrize(
    ("digests", "says"),
    [
        (lambda arm: ("s", "l"), ""),
        (lambda arm: ("s", arm), "were scored against other items"),
        (lambda arm: (arm, "l"), "were scored by other code"),
    ],
)
def test_scores_of_a_pair_are_by_one_scorer_against_the_same_items(
    sealed: tuple[Case, Path], digests: Callable[[str], tuple[str, str]], says: str
) -> None:
    case, folder = sealed

    def scored(line: AnyLine) -> AnyLine:
        if not isinstance(line, EvidenceLine) or line.metric != "accuracy":
            return line
        scorer, labels = digests(line.arm)
        return line.model_copy(update={"scorer_digest": scorer, "labels_digest": labels})

    found = broken(recorded(case, scored), folder)
    assert bool(found) == bool(says)
    assert all(says in one for one in found)
