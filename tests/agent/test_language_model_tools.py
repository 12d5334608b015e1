"""A model at its tools: told what went wrong, held to limits, and obeyed in nothing else."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from pydantic import JsonValue

from agent.endpoint.message import Ask, Message, ToolCall
from agent.minds.language_model.tool_loop import Limits, converse, without_system
from sandbox.errors import BadInput, BudgetSpent, EndpointUnreachable, LedgerBroken
from tests.agent.spoken import Speaker

ASK = Ask("explore-1", "code", (Message("system", "be good"), Message("user", "look around")))


class Bench:
    """Two tools; keeps what was called."""

    def __init__(self, says: str | Exception = "found it") -> None:
        self.says = says
        self.called: list[tuple[str, str, str]] = []

    def schemas(self) -> tuple[Mapping[str, JsonValue], ...]:
        return tuple(
            {"type": "function", "function": {"name": name, "parameters": {}}}
            for name in ("look", "write")
        )

    def call(self, name: str, arguments_json: str, key: str) -> str:
        self.called.append((name, arguments_json, key))
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


def calls(*names: str, arguments: str = "{}") -> tuple[ToolCall, ...]:
    return tuple(ToolCall(f"c{at}", name, arguments) for at, name in enumerate(names))


def test_a_model_calls_reads_and_answers():
    voice = Speaker({"explore-1/1": calls("look"), "explore-1/2": "I know enough."})
    bench = Bench()
    talk = converse(voice, ASK, bench, Limits())
    assert (talk.ended, talk.answer.text) == ("answered", "I know enough.")
    assert bench.called == [("look", "{}", "explore-1/1-1")]
    assert [m.speaker for m in without_system(talk.messages)] == [
        "user", "assistant", "tool", "assistant",
    ]  # fmt: skip
    assert talk.messages[3].answers == "c0"
    assert [len(ask.tools) for ask in voice.heard] == [2, 2]


def test_an_unknown_tool_is_answered_with_the_known_ones():
    voice = Speaker({"explore-1/1": calls("edit_limits"), "explore-1/2": "oh"})
    bench = Bench()
    talk = converse(voice, ASK, bench, Limits())
    assert "no tool 'edit_limits'; known: look, write" in talk.messages[3].content
    assert not bench.called


@pytest.mark.parametrize("error", [BadInput("steps: too many", "at most 9"), BudgetSpent("cpu")])
def test_a_refusal_is_told_in_a_sentence(error):
    voice = Speaker({"explore-1/1": calls("look"), "explore-1/2": "oh"})
    talk = converse(voice, ASK, Bench(error), Limits())
    assert talk.messages[3].content == f"refused: {error}"


@pytest.mark.parametrize("error", [ZeroDivisionError("bug"), LedgerBroken("line 3", "restore")])
def test_a_crash_and_a_broken_record_are_not_swallowed(error):
    voice = Speaker({"explore-1/1": calls("look")})
    with pytest.raises(type(error)):
        converse(voice, ASK, Bench(error), Limits())


def test_a_call_repeated_is_told_and_then_ended():
    again = calls("look", arguments='{"a": 1}')
    spaced = calls("look", arguments='{ "a" : 1}')
    voice = Speaker({f"explore-1/{n}": spaced if n == 2 else again for n in range(1, 9)})
    bench = Bench()
    talk = converse(voice, ASK, bench, Limits())
    assert talk.ended == "repetition"
    assert len(bench.called) == 2
    assert "was made before" in talk.messages[-3].content
    assert len(voice.heard) == 4


def test_an_endless_loop_ends_at_the_limit_of_turns_and_of_calls():
    voice = Speaker(
        {f"explore-1/{n}": calls("look", arguments=f'{{"n": {n}}}') for n in range(1, 99)}
    )
    bench = Bench()
    assert converse(voice, ASK, bench, Limits(turns=5)).ended == "steps"
    assert len(bench.called) == 5
    many = tuple(ToolCall(str(n), "look", f'{{"n": {n}}}') for n in range(40))
    bench = Bench()
    assert converse(Speaker({"explore-1/1": many}), ASK, bench, Limits(calls=7)).ended == "steps"
    assert len(bench.called) == 7


def test_a_long_result_is_cut_and_a_long_conversation_ended():
    voice = Speaker(
        {f"explore-1/{n}": calls("look", arguments=f'{{"n": {n}}}') for n in range(1, 99)}
    )
    limits = Limits(letters=500, letters_in_all=1400)
    talk = converse(voice, ASK, Bench("x" * 10_000), limits)
    assert talk.ended == "steps"
    assert all(len(m.content) <= 500 for m in talk.messages)
    assert len(voice.heard) == 3


def test_a_server_that_goes_away_in_between_is_a_failure_of_the_whole():
    voice = Speaker({"explore-1/1": calls("look"), "explore-1/2": EndpointUnreachable("gone")})
    with pytest.raises(EndpointUnreachable):
        converse(voice, ASK, Bench(), Limits())
