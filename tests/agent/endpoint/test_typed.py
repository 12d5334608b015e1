import json
import time

import pytest
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from agent.endpoint.client import Client
from agent.endpoint.endpoint import Endpoint
from agent.endpoint.message import Answer, Ask, Message, Usage
from agent.endpoint.scripted_server import ScriptedServer
from agent.endpoint.server import serve
from agent.endpoint.typed import after_thought, ask_typed
from sandbox.errors import EndpointUnreachable, ReplyUnusable


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    seed: int = Field(ge=0)


class Plan(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: str
    weight: float = 1.0
    parts: tuple[Inner, ...] = ()
    free: dict[str, JsonValue] = {}


class Loose(BaseModel):
    model_config = ConfigDict(extra="forbid")
    why: str = ""
    weights: dict[str, float] = {}


ASK = Ask("plan-1", "propose", (Message("system", "s"), Message("user", "Plan.")))
GOOD = '{"title": "t"}'


class Says:
    def __init__(self, *texts, finish="stop"):
        self.texts = list(texts)
        self.asked = []
        self.finish = finish

    def ask(self, ask):
        self.asked.append(ask)
        text = self.texts.pop(0)
        if isinstance(text, Exception):
            raise text
        finish = self.finish if self.texts else "stop"
        return Answer(text, (), finish, Usage(1, 1), "m")


def read(text, kind=Plan):
    """The reply that is read from the text at the first try."""
    voice = Says(text)
    reply, answer = ask_typed(voice, ASK, kind)
    assert answer.text == text
    return reply


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"```json\n{GOOD}\n```",
        f"Here it is:\n\n```\n{GOOD}\n```\nI hope {{it}} helps!",
        f'The set {{1, 2}} and {{{{ev:x}}}} say "so".\n{GOOD}',
        f'<think>maybe {{}} or {{"title": "draft"}} </think>\n{GOOD}',
        f'{{"title": 5, "other": 1}}\n{GOOD}\n{{"title": "later"}}',
        f'{{"$schema": "x", "properties": {{"title": "t"}}}} {GOOD}',
        f"[{GOOD}]",
        f"{{}} {GOOD}",
        '{"title": "t", "free": {"a": [1, null, "}"], "b": "\\"{"}}',
    ],
)
def test_the_first_object_that_holds_is_found_wherever_it_stands(text):
    assert read(text).title == "t"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("I would rather not.", "there is no JSON object"),
        ("", "there is no JSON object"),
        ("{'title': 't'}", "it is not JSON: Expecting property name"),
        ('{"title": "t",}', "it is not JSON"),
        ('{"title": "t" // why\n}', "it is not JSON"),
        ('{"title": "t", "weight": NaN}', "NaN is not a number of JSON"),
        ('{"title": "t", "weight": -Infinity}', "-Infinity is not a number"),
        ('{"title": "t", "weight": 1e999}', "the number 1e999 is too large"),
        ('{"title": "t", "weight": ' + "9" * 5000 + "}", "4300"),
        ('{"title": "t", "title": "u"}', "the field 'title' stands twice"),
        ('{"title": "\\ud83d"}', "half a character"),
        ('{"title": "t"', "it is not JSON"),
        ('{"title": "t", "free": {"a": ' + "[" * 80 + "]" * 80 + "}}", "nested too deeply"),
        ('{"title": "t", "free": ' + '{"a":' * 50_000 + "1" + "}" * 50_001, "nested too deeply"),
        ("{" * 200_000, "it is not JSON"),
        ('{"title": 5}', "title: Input should be a valid string"),
        ('{"weight": 1}', "title: Field required"),
        ('{"title": "t", "extra": 1}', "extra: Extra inputs are not permitted"),
        ('{"title": "t", "parts": [{"seed": 1}, {"seed": -1}]}', "parts.1.seed: Input should be"),
        ("{}", "title: Field required"),
        (GOOD + " " * 1_000_000, "longer than 1000000 characters"),
    ],
)
def test_the_model_is_told_exactly_what_is_wrong_and_may_mend_it_once(text, fault):
    voice = Says(text, GOOD)
    reply, _ = ask_typed(voice, ASK, Plan)
    assert reply.title == "t"
    first, again = voice.asked
    assert (first.key, again.key) == ("plan-1", "plan-1-repair")
    assert [turn.speaker for turn in again.messages] == ["system", "user", "assistant", "user"]
    assert fault in again.messages[-1].content
    assert len(again.messages[2].content) <= 12_000


def test_what_stands_inside_of_a_broken_object_is_no_reply():
    voice = Says('{"hypotheses": [{"why": "inner"}, {"weights": {}}], }', '{"why": "outer"}')
    assert ask_typed(voice, ASK, Loose)[0].why == "outer"


def test_an_empty_object_in_prose_is_no_reply_but_one_alone_is():
    assert read('I use {} first. {"why": "so"}', Loose).why == "so"
    assert read(" {} ", Loose) == Loose()


def test_a_reply_that_was_cut_off_is_not_read_even_where_it_holds():
    voice = Says(GOOD, '{"title": "whole"}', finish="length")
    assert ask_typed(voice, ASK, Plan)[0].title == "whole"
    assert "cut off at the limit of tokens" in voice.asked[1].messages[-1].content


def test_a_second_bad_reply_is_unusable_and_says_why():
    voice = Says("no", '{"title": 5}')
    with pytest.raises(ReplyUnusable, match=r"plan-1: .* title: Input should be a valid string"):
        ask_typed(voice, ASK, Plan)
    assert len(voice.asked) == 2


def test_what_the_voice_raises_is_passed_on():
    with pytest.raises(EndpointUnreachable):
        ask_typed(Says("no", EndpointUnreachable("gone")), ASK, Plan)


def test_many_faults_are_told_but_not_all():
    parts = [{"seed": -1}] * 40
    voice = Says(json.dumps({"title": "t", "parts": parts}), GOOD)
    ask_typed(voice, ASK, Plan)
    told = voice.asked[1].messages[-1].content
    assert told.count("parts.") == 8
    assert "- and 32 more faults" in told


def test_the_schema_goes_with_the_ask_and_into_the_last_turn_of_the_person():
    voice = Says(GOOD)
    ask_typed(voice, ASK, Plan)
    (asked,) = voice.asked
    assert asked.schema == Plan.model_json_schema()
    assert len(asked.messages) == 2
    assert asked.messages[1].content.startswith("Plan.\n\nAnswer with one JSON object")
    assert json.dumps(Plan.model_json_schema()) in asked.messages[1].content


def test_hostile_texts_take_no_time():
    texts = ["{" * 900_000, '"' * 900_000, "{}" * 400_000, '{"a":' * 150_000, "\\" * 900_000]
    texts += ["<think>" * 100_000, "[{" * 400_000, '{"' + "\\u0041" * 150_000]
    began = time.monotonic()
    for text in texts:
        with pytest.raises(ReplyUnusable):
            ask_typed(Says(text, "x" * 5_000_000), ASK, Plan)
    assert time.monotonic() - began < 4


def test_a_chain_of_thought_is_left_out():
    assert after_thought("<think>hm\n{}</think>\n\nYes.") == "Yes."
    assert after_thought("<think>never ends") == ""
    assert after_thought("No <think>here</think>.") == "No <think>here</think>."


def test_a_real_server_is_mended_over_http():
    server = ScriptedServer.of(
        {"when": {"says": "That reply cannot be used"}, "json": {"title": "mended"}},
        {"text": "Sure! {'title': 'pseudo'}"},
    )
    with serve(server) as served:
        voice = Client(Endpoint(base_url=served.base_url, model="m", timeout_s=5), {})
        reply, _ = ask_typed(voice, ASK, Plan)
    assert reply.title == "mended"
    assert [request.reply_schema is not None for request in server.requests] == [True, True]
