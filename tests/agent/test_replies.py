import pytest

from agent.minds.mind import Reading
from agent.replies import Replies
from sandbox.errors import CannotResume


def test_a_mind_is_asked_once(tmp_path):
    asked = []

    def ask():
        asked.append(1)
        return Reading(again=True, why=str(len(asked)))

    first = Replies(tmp_path).recall("interpret-1", Reading, ask)
    again = Replies(tmp_path).recall("interpret-1", Reading, ask)
    assert first == again == Reading(again=True, why="1")
    assert len(asked) == 1


def test_a_reply_of_another_shape_is_not_guessed_at(tmp_path):
    (tmp_path / "interpret-1.json").write_text('{"maybe": 1}', encoding="utf-8")
    with pytest.raises(CannotResume, match="interpret-1"):
        Replies(tmp_path).recall("interpret-1", Reading, lambda: Reading(again=True, why=""))
