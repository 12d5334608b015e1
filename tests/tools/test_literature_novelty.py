"""Near works come with reasons, and what was not searched is said as unchecked."""

import pytest

from sandbox.errors import BadInput, SourceUnreachable
from sandbox.ledger import Ledger
from tools.desk import Desk
from tools.literature.library import Library
from tools.literature.novelty import novelty
from tools.tool import find_tool

STATEMENT = "Merging with task vectors whose signs conflict loses accuracy to trimming them."


class _Away:
    name = "arXiv"

    def find(self, words, limit):
        raise SourceUnreachable("it could not be reached")


class _Empty:
    name = "arXiv"

    def find(self, words, limit):
        return []


def test_the_nearest_works_are_named_with_the_words_they_share():
    line = novelty("h1", STATEMENT, Library.embedded())
    assert line.status == "near works found"
    ties = next(work for work in line.works if work.key == "yadav2023ties")
    assert {"merging", "task", "vectors"} <= set(ties.shared)
    assert 0 < ties.overlap <= 1
    assert line.searched == ("the embedded library",)


def test_nothing_near_and_a_source_away_is_unchecked():
    line = novelty("h1", "Zebras prefer quinces.", Library([], sources=[_Away()]))
    assert line.status == "unchecked" and not line.works
    assert line.unchecked == ("arXiv: it could not be reached",)


def test_nothing_near_everywhere_says_where_was_searched_and_no_more():
    line = novelty("h1", "Zebras prefer quinces.", Library([], sources=[_Empty()]))
    assert line.status == "no near work in the sources searched"
    assert line.searched == ("the embedded library", "arXiv")


@pytest.mark.parametrize("source", [_Away(), _Empty()])
def test_no_status_ever_calls_a_hypothesis_novel(source):
    line = novelty("h1", "Zebras prefer quinces.", Library([], sources=[source]))
    assert "novel" not in line.status


def test_a_mind_may_ask_for_itself_and_nothing_is_written(tmp_path):
    desk = Desk(Library.embedded(), Ledger(tmp_path / "ledger.jsonl"))
    head, tool = desk.ledger.head, find_tool("check_novelty")
    found = tool.function(tool.check({"statement": STATEMENT, "limit": 2}), desk)
    assert len(found.works) == 2 and found.status == "near works found"
    assert desk.ledger.head == head
    with pytest.raises(BadInput, match="check_novelty: statement"):
        tool.check({})
