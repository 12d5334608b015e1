"""Every digest of a ledger is compared with the disk, and what cannot be read is no pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from papers.review.finding import Case
from papers.review.seals import broken_seals
from sandbox.records import EvidenceLine, PlanLine, RunLine
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
