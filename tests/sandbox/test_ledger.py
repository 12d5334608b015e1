"""The ledger is append-only and hash-chained, and says which line was touched."""

from __future__ import annotations

import json
import resource
from pathlib import Path

import pytest

from sandbox.errors import LedgerBroken
from sandbox.ledger import GENESIS, Ledger, read
from sandbox.records import CostLine, FailureLine


def cost(number: int) -> CostLine:
    return CostLine(id=f"cost-{number}", what="a trial", wall_s=number + 0.5, trials=number)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.jsonl"
    ledger = Ledger(path)
    for number in range(4):
        ledger.append(cost(number))
    return path


def test_every_line_names_the_one_before(path: Path) -> None:
    sealed = list(read(path))
    assert [s.previous for s in sealed] == [GENESIS, *(s.digest for s in sealed[:-1])]
    assert [s.number for s in sealed] == [1, 2, 3, 4]


def test_what_was_written_is_read_back(path: Path) -> None:
    ledger = Ledger(path)
    assert ledger.lines(CostLine) == [cost(number) for number in range(4)]
    assert ledger.find(CostLine, "cost-2") == cost(2)
    assert ledger.find(FailureLine, "cost-2") is None
    assert ledger.head == ledger.sealed()[-1].digest


def test_the_same_fact_twice_is_written_once(path: Path) -> None:
    before = path.read_bytes()
    ledger = Ledger(path)
    assert ledger.append(cost(1)).number == 2
    assert path.read_bytes() == before


def test_another_fact_of_the_same_name_is_refused(path: Path) -> None:
    ledger = Ledger(path)
    with pytest.raises(LedgerBroken, match="cost-1 is already recorded"):
        ledger.append(cost(1).model_copy(update={"wall_s": 9.0}))


def test_a_last_line_cut_short_by_a_crash_is_dropped_and_the_chain_goes_on(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    ledger = Ledger(path)
    assert len(ledger.sealed()) == 3
    ledger.append(cost(3))
    assert [s.line for s in read(path)] == [cost(number) for number in range(4)]


def test_an_edited_digit_is_named_by_its_line(path: Path) -> None:
    path.write_text(path.read_text().replace("1.5", "1.6"))
    with pytest.raises(LedgerBroken, match="line 2 does not match its digest"):
        list(read(path))


def test_a_removed_line_is_named_by_its_successor(path: Path) -> None:
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:1] + lines[2:]))
    with pytest.raises(LedgerBroken, match="line 2 does not follow"):
        Ledger(path)


def test_lines_in_another_order_are_noticed(path: Path) -> None:
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([lines[1], lines[0], *lines[2:]]))
    with pytest.raises(LedgerBroken, match="line 1 does not follow"):
        list(read(path))


def test_a_line_that_is_no_record_is_named(path: Path) -> None:
    with path.open("a") as file:
        file.write("not json\n")
    with pytest.raises(LedgerBroken, match="line 5 is not a sealed record"):
        Ledger(path)


def test_a_sealed_line_of_an_unknown_kind_is_named(path: Path) -> None:
    from sandbox.records import canonical, digest_of

    body = {"kind": "rumour", "id": "x", "at": "now", "previous": Ledger(path).head}
    with path.open("a") as file:
        file.write(canonical({**body, "digest": digest_of(body)}) + "\n")
    with pytest.raises(LedgerBroken, match="line 5 is not a known record"):
        Ledger(path)


@pytest.mark.parametrize("end", ["\u2028", "\u2029", "\x85", "\x1c", "\r", "\n"])
def test_a_text_with_any_end_of_line_in_it_stays_one_line(end: str, path: Path) -> None:
    failure = FailureLine(id="odd", stage="survey", what=f"one{end}two")
    Ledger(path).append(failure)
    assert Ledger(path).find(FailureLine, "odd") == failure


def test_a_line_that_the_full_disk_cut_is_taken_back_and_the_chain_goes_on(path: Path) -> None:
    ledger, whole = Ledger(path), path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 20, hard))
    try:
        with pytest.raises(OSError):
            ledger.append(cost(4))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == whole
    ledger.append(cost(5))
    assert Ledger(path).lines(CostLine) == [cost(number) for number in (0, 1, 2, 3, 5)]


EDITS = {
    "a value behind which the sealed one hides": (b'"trials":2', b'"trials":9,"trials":2'),
    "a space": (b'"trials":2', b'"trials": 2'),
    "no number": (b'"trials":2', b'"trials":NaN'),
    "no text": (b'"a trial"', b'"\xff"'),
    "half a character": (b'"a trial"', b'"\\ud800"'),
    "no end of nesting": (b'"a trial"', b"[" * 100_000),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_is_named_by_its_line_that_adds(name: str, path: Path) -> None:
    before, after = EDITS[name]
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(before, after)
    path.write_bytes(b"".join(lines))
    with pytest.raises(LedgerBroken, match="line 3 "):
        list(read(path))


def test_the_file_is_one_json_object_a_line(path: Path) -> None:
    for line in path.read_text().splitlines():
        assert {"kind", "id", "at", "previous", "digest"} <= set(json.loads(line))
