"""Desk tools read, and nothing else."""

import pytest

from sandbox.errors import BadInput
from sandbox.ledger import Ledger
from sandbox.records import EvidenceLine
from tools.desk import Desk
from tools.literature.library import Library
from tools.tool import find_tool


def _desk(tmp_path) -> Desk:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    for arm, seed, value in (("a", 2, 0.5), ("a", 1, 0.25), ("b", 1, 0.75)):
        ledger.append(
            EvidenceLine(
                id=f"{arm}{seed}",
                metric="accuracy",
                task="t",
                split="test",
                value=value,
                unit="fraction",
                items=4,
                arm=arm,
                seed=seed,
                trial=f"{arm}{seed}",
                code_digest="c",
                data_digest="d",
            )
        )
    return Desk(Library.embedded(), ledger)


def _use(name, arguments, desk):
    tool = find_tool(name)
    return tool.function(tool.check(arguments), desk)


def test_reading_evidence_gives_means_with_what_backs_them(tmp_path):
    desk = _desk(tmp_path)
    head = desk.ledger.head
    found = _use("read_evidence", {}, desk)
    assert [(row.arm, row.mean, row.seeds) for row in found.rows] == [
        ("a", 0.375, (1, 2)),
        ("b", 0.75, (1,)),
    ]
    assert found.rows[0].evidence == ("a1", "a2")
    assert desk.ledger.head == head


def test_evidence_can_be_narrowed_and_what_is_left_off_is_counted(tmp_path):
    desk = _desk(tmp_path)
    assert [row.arm for row in _use("read_evidence", {"arm": "b"}, desk).rows] == ["b"]
    assert _use("read_evidence", {"split": "dev"}, desk).rows == ()
    assert _use("read_evidence", {"metric": "cpu_s"}, desk).rows == ()
    assert _use("read_evidence", {"limit": 1}, desk).left_off == 1


def test_searching_the_literature_gives_keys_to_cite(tmp_path):
    found = _use("search_literature", {"query": "model merging", "limit": 3}, _desk(tmp_path))
    assert len(found.works) == 3
    assert {work.key for work in found.works} <= set(Library.embedded().keys())


def test_a_wrong_call_gets_one_sentence():
    with pytest.raises(BadInput, match=r"read_evidence: split: .*'dev' or 'test'"):
        find_tool("read_evidence").check({"split": "held-out"})
