"""What a server can do wrong on the wire, and how each ends: told once, counted, nothing lost.

Every case goes through all that a run puts between a mind and a server: client, purse, record.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import BaseModel

from agent.budget import Budget, Spend
from agent.endpoint.client import Client
from agent.endpoint.endpoint import Endpoint
from agent.endpoint.message import Answer, Ask, Message
from agent.endpoint.prices import Price, PriceTable
from agent.endpoint.purse import Metered, Purse
from agent.endpoint.redaction import redactor_for
from agent.endpoint.scripted_server import ScriptedServer
from agent.endpoint.server import Served, serve
from agent.endpoint.transcript import Recorded, read_exchanges
from agent.endpoint.typed import ask_typed
from sandbox.errors import (
    BudgetSpent,
    EndpointRefused,
    EndpointUnreachable,
    MindFailed,
    ReplyUnusable,
)

pytestmark = pytest.mark.slow

KEY = "sk-scripted-0123456789abcdef"
ENVIRONMENT = {"OPENAI_API_KEY": KEY}
GOOD = {"text": "A good answer.", "repeat": "forever"}
FIRST, SECOND = "propose-1", "propose-2"
CAP = 100_000
ALWAYS = {"repeat": "forever"}


class Colour(BaseModel):
    """What the typed cases ask for."""

    colour: str


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries wait for a hundredth of what they wait for; a server's retry-after is not touched."""
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.005)
    monkeypatch.setattr("agent.endpoint.client.FIRST_PAUSE_S", 0.005)


class Desk:
    """A run's folder and budget; every `voice` is a new session over them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.budget = Budget(Spend(wall_s=3600, tokens=CAP, dollars=1.0))

    def voice(self, server: Served, **settings: object) -> Recorded:
        """What a run asks."""
        given = {"timeout_s": 0.3, "retries": 1, "model": "m", "base_url": server.base_url}
        endpoint = Endpoint.model_validate(given | settings)
        purse = Purse(self.budget, PriceTable({"m": Price(input=1.0, output=2.0)}), endpoint)
        paid = Metered(Client(endpoint, ENVIRONMENT), purse)
        redactor = redactor_for(endpoint, ENVIRONMENT)
        return Recorded(paid, self.folder, redactor, endpoint.model_for)

    @property
    def tokens(self) -> int:
        """What is spent."""
        return self.budget.spent().tokens

    def text_on_disk(self) -> str:
        """Everything that was kept."""
        return "".join(path.read_text() for path in sorted(self.folder.glob("*")))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "mind")


def ask(key: str = SECOND, words: str = "Name a colour.") -> Ask:
    return Ask(key, "propose", (Message("user", words),), most_tokens=200)


def server_of(*steps: Mapping[str, object]) -> ScriptedServer:
    """A server that answers `first` well, and everything else by these steps."""
    return ScriptedServer.of({"when": {"says": "first"}, "text": "One."}, *steps)


# ---- faults that stay ----

REFUSED, UNREACHABLE, UNUSABLE = EndpointRefused, EndpointUnreachable, ReplyUnusable
LASTING = [
    ("401", {"fault": "status", "status": 401}, {}, REFUSED, 1),
    ("403", {"fault": "status", "status": 403}, {}, REFUSED, 1),
    ("404, no such model", {"fault": "status", "status": 404}, {}, REFUSED, 1),
    ("429 for good", {"fault": "status", "status": 429}, {}, UNREACHABLE, 2),
    (
        "429, come again soon, for good",
        {"fault": "status", "status": 429, "retry_after": 0.02},
        {},
        UNREACHABLE,
        2,
    ),
    ("a storm of 500", {"fault": "status", "status": 500}, {"retries": 3}, UNREACHABLE, 4),
    ("503, no retries wanted", {"fault": "status", "status": 503}, {"retries": 0}, UNREACHABLE, 1),
    ("silence", {"fault": "timeout", "seconds": 60}, {"timeout_s": 0.25}, UNREACHABLE, 2),
    (
        "silence, not streamed",
        {"fault": "timeout", "seconds": 60},
        {"timeout_s": 0.1, "stream": False},
        UNREACHABLE,
        2,
    ),
    ("reset", {"fault": "close"}, {}, UNREACHABLE, 2),
    ("half a stream", {"fault": "half_stream"}, {}, UNREACHABLE, 2),
    ("nothing but a head", {"fault": "half_stream", "after": 0}, {}, UNREACHABLE, 2),
    (
        "half a stream that ends properly",
        {"fault": "half_stream", "clean": True},
        {},
        UNREACHABLE,
        2,
    ),
    ("half a body", {"fault": "half_stream"}, {"stream": False}, UNREACHABLE, 2),
    ("an error within the stream", {"fault": "stream_error"}, {}, UNREACHABLE, 2),
    ("a stream that is not JSON", {"fault": "not_json"}, {}, UNREACHABLE, 2),
    ("a body that is not JSON", {"fault": "not_json"}, {"stream": False}, REFUSED, 1),
    (
        "half a body that ends properly",
        {"fault": "half_stream", "clean": True},
        {"stream": False},
        REFUSED,
        1,
    ),
    ("an empty stream", {"fault": "empty"}, {}, UNREACHABLE, 2),
    ("an empty body", {"fault": "empty"}, {"stream": False}, REFUSED, 1),
    ("an empty answer", {"text": ""}, {}, UNUSABLE, 1),
    ("a sign-in page", {"fault": "html"}, {}, REFUSED, 1),
    ("a sign-in page, not streamed", {"fault": "html"}, {"stream": False}, REFUSED, 1),
    ("a gateway's error page", {"fault": "html", "status": 502}, {}, UNREACHABLE, 2),
    ("a huge stream", {"fault": "huge", "megabytes": 8}, {"timeout_s": 5}, UNUSABLE, 1),
    (
        "a huge body",
        {"fault": "huge", "megabytes": 8},
        {"timeout_s": 5, "stream": False},
        UNUSABLE,
        1,
    ),
    ("drops", {"fault": "drip", "seconds": 0.02}, {"timeout_s": 0.1}, UNREACHABLE, 1),
    (
        "drops, not streamed",
        {"fault": "drip", "seconds": 0.02},
        {"timeout_s": 0.1, "stream": False},
        UNREACHABLE,
        1,
    ),
    (
        "a page, in the other dialect",
        {"fault": "html"},
        {"api": "responses"},
        REFUSED,
        1,
    ),
    (
        "half a stream, in the other dialect",
        {"fault": "half_stream"},
        {"api": "responses"},
        UNREACHABLE,
        2,
    ),
]


@pytest.mark.parametrize(
    ("fault", "settings", "kind", "requests"),
    [case[1:] for case in LASTING],
    ids=[case[0] for case in LASTING],
)
def test_a_fault_that_stays_ends_as_specified_and_loses_nothing(
    desk: Desk,
    fault: dict[str, object],
    settings: dict[str, object],
    kind: type[MindFailed],
    requests: int,
) -> None:
    script = server_of({**fault, **ALWAYS})
    with serve(script) as server:
        voice = desk.voice(server, **settings)
        assert voice.ask(ask(FIRST, "The first.")).text == "One."
        before, began = desk.tokens, time.monotonic()
        with pytest.raises(kind) as caught:
            voice.ask(ask())
    assert type(caught.value) is kind
    assert time.monotonic() - began < 3
    assert caught.value.what
    assert caught.value.fix
    assert len(script.requests) == 1 + requests
    assert [exchange.key for exchange in read_exchanges(desk.folder)] == [FIRST, SECOND]
    assert KEY not in f"{desk.text_on_disk()}{caught.value}"
    assert before <= desk.tokens <= CAP
    _goes_on_where_it_was(desk)


def _goes_on_where_it_was(desk: Desk) -> None:
    """A later session, with a server that is well: the first is not asked again."""
    script = ScriptedServer.of(GOOD)
    with serve(script) as server:
        voice = desk.voice(server)
        assert voice.ask(ask(FIRST, "The first.")).text == "One."
        assert voice.ask(ask()).text == "A good answer."
    assert len(script.requests) == 1
    room = desk.budget.reserve(Spend(tokens=CAP - desk.tokens), "all that is left")
    desk.budget.settle(room, Spend())


@pytest.mark.parametrize("status", [401, 404, 429, 500])
def test_what_was_refused_before_a_model_saw_it_costs_nothing(desk: Desk, status: int) -> None:
    script = ScriptedServer.of({"fault": "status", "status": status, **ALWAYS})
    with serve(script) as server, pytest.raises(MindFailed):
        desk.voice(server).ask(ask())
    if status < 429:
        assert desk.tokens == 0
    assert desk.tokens < 100


def test_what_broke_off_is_counted_for_every_attempt(desk: Desk) -> None:
    script = ScriptedServer.of({"fault": "half_stream", **ALWAYS})
    with serve(script) as server, pytest.raises(EndpointUnreachable):
        desk.voice(server, retries=2).ask(ask(words="word " * 300))
    assert desk.tokens > 3 * 300


# ---- faults that pass ----

PASSING = [
    ("429", [{"fault": "status", "status": 429}], {}),
    ("429 with retry-after", [{"fault": "status", "status": 429, "retry_after": 0.3}], {}),
    ("500 twice", [{"fault": "status", "status": 500, "repeat": 2}], {"retries": 2}),
    ("silence", [{"fault": "timeout", "seconds": 60}], {"timeout_s": 0.1}),
    ("reset", [{"fault": "close"}], {}),
    ("half a stream", [{"fault": "half_stream"}], {}),
    (
        "one after the other",
        [{"fault": "close"}, {"fault": "half_stream"}, {"fault": "stream_error"}],
        {"retries": 4},
    ),
]


@pytest.mark.parametrize(
    ("faults", "settings"), [case[1:] for case in PASSING], ids=[case[0] for case in PASSING]
)
def test_a_fault_that_passes_is_waited_out(
    desk: Desk, faults: list[dict[str, object]], settings: dict[str, object]
) -> None:
    script = ScriptedServer.of(*faults, GOOD)
    with serve(script) as server:
        answer = desk.voice(server, **settings).ask(ask())
    assert answer.text == "A good answer."
    assert len(script.requests) == 1 + sum(int(str(fault.get("repeat", 1))) for fault in faults)
    assert [exchange.reply is not None for exchange in read_exchanges(desk.folder)] == [True]


def test_a_servers_retry_after_is_honoured(desk: Desk) -> None:
    script = ScriptedServer.of({"fault": "status", "status": 429, "retry_after": 0.4}, GOOD)
    with serve(script) as server:
        voice, began = desk.voice(server), time.monotonic()
        voice.ask(ask())
    assert time.monotonic() - began >= 0.4


# ---- answers that are not what they should be ----


def test_an_answer_that_was_cut_is_said_to_be_cut(desk: Desk) -> None:
    with serve(ScriptedServer.of({"text": "Half of", "finish": "length"})) as server:
        assert desk.voice(server).ask(ask()).finish == "length"


def test_usage_that_is_left_out_is_estimated_and_still_counted(desk: Desk) -> None:
    with serve(ScriptedServer.of({**GOOD, "usage": False})) as server:
        answer = desk.voice(server).ask(ask())
    assert not answer.usage.measured
    assert desk.tokens == answer.usage.tokens > 0


@pytest.mark.parametrize(
    "claimed", [{"prompt": 0, "completion": 0}, {"prompt": -5, "completion": 1}]
)
def test_usage_that_cannot_be_true_is_not_believed(desk: Desk, claimed: dict[str, int]) -> None:
    with serve(ScriptedServer.of({"text": "word " * 50, "usage": claimed})) as server:
        answer = desk.voice(server).ask(ask())
    assert desk.tokens == answer.usage.tokens >= 50


def test_a_server_that_counts_beyond_the_cap_is_asked_no_more(desk: Desk) -> None:
    script = ScriptedServer.of({**GOOD, "usage": {"prompt": CAP, "completion": CAP}})
    with serve(script) as server:
        voice = desk.voice(server)
        voice.ask(ask(FIRST))
        with pytest.raises(BudgetSpent):
            voice.ask(ask())
    assert len(script.requests) == 1


def test_a_model_under_another_name_is_kept_under_the_name_it_gave(desk: Desk) -> None:
    with serve(ScriptedServer.of({**GOOD, "model": "another"})) as server:
        answer = desk.voice(server).ask(ask())
    (kept,) = read_exchanges(desk.folder)
    assert kept.reply is not None
    assert (answer.model, kept.reply.model, kept.model) == ("another", "another", "m")


def test_a_server_that_repeats_the_key_does_not_bring_it_into_the_run(desk: Desk) -> None:
    steps = [
        {"text": f"Your key is {KEY}."},
        {"fault": "status", "status": 401, "message": f"bad key {KEY}"},
    ]
    with serve(ScriptedServer.of(*steps)) as server:
        voice = desk.voice(server)
        assert KEY not in voice.ask(ask(FIRST)).text
        with pytest.raises(EndpointRefused) as caught:
            voice.ask(ask())
    assert KEY not in f"{desk.text_on_disk()}{caught.value}"


UNFIT = {
    "truncated JSON": {"text": '{"colour": "re', "finish": "length"},
    "truncated JSON that is called complete": {"text": '{"colour": "re'},
    "the wrong schema": {"json": {"color": "red"}},
    "the wrong type": {"json": {"colour": 3}},
    "a list": {"json": ["red"]},
    "prose": {"text": "Red is a colour."},
    "NaN": {"text": '{"colour": NaN}'},
    "deep nesting": {"text": '{"colour": ' + "[" * 5000},
}


@pytest.mark.parametrize("bad", UNFIT.values(), ids=UNFIT.keys())
def test_a_reply_of_the_wrong_shape_is_asked_for_once_more_and_no_further(
    desk: Desk, bad: dict[str, object]
) -> None:
    script = ScriptedServer.of({**bad, **ALWAYS})
    with serve(script) as server, pytest.raises(ReplyUnusable, match=SECOND):
        ask_typed(desk.voice(server), ask(), Colour)
    assert len(script.requests) == 2
    assert len(read_exchanges(desk.folder)) == 2
    mended = ScriptedServer.of(bad, {"json": {"colour": "red"}})
    with serve(mended) as server:
        reply, _ = ask_typed(desk.voice(server), ask("propose-3"), Colour)
    assert reply.colour == "red"
    assert len(mended.requests) == 2


def test_json_between_prose_and_fences_needs_no_second_try(desk: Desk) -> None:
    text = 'Here it is:\n```json\n{"colour": "red"}\n```\nI hope it helps.'
    script = ScriptedServer.of({"text": text})
    with serve(script) as server:
        reply, _ = ask_typed(desk.voice(server), ask(), Colour)
    assert (reply.colour, len(script.requests)) == ("red", 1)


def test_a_server_that_refuses_schemas_is_asked_in_the_prompt_alone(desk: Desk) -> None:
    script = ScriptedServer.of(
        {
            "when": {"schema": True},
            "fault": "status",
            "status": 400,
            "message": "response_format is not supported",
            **ALWAYS,
        },
        {"json": {"colour": "red"}, **ALWAYS},
    )
    with serve(script) as server:
        voice = desk.voice(server)
        for key in (FIRST, SECOND):
            assert ask_typed(voice, ask(key), Colour)[0].colour == "red"
    assert len(script.requests) == 3


# ---- a server that comes and goes ----


def test_a_server_that_is_gone_is_said_to_be_gone_and_the_run_goes_on_later(desk: Desk) -> None:
    with serve(server_of()) as server:
        voice = desk.voice(server)
        voice.ask(ask(FIRST, "The first."))
    with pytest.raises(EndpointUnreachable, match="cannot be reached"):
        voice.ask(ask())
    _goes_on_where_it_was(desk)


def test_a_server_that_dies_in_the_middle_of_an_answer_and_comes_back_is_asked_again(
    desk: Desk,
) -> None:
    port = _free_port()
    dying = ScriptedServer.of({"fault": "drip", "seconds": 0.01})
    said: list[Answer] = []
    with serve(dying, port) as server:
        voice = desk.voice(server, retries=8, timeout_s=2)
        asking = threading.Thread(target=lambda: said.append(voice.ask(ask())))
        asking.start()
        while not dying.requests:
            time.sleep(0.01)
    with serve(ScriptedServer.of(GOOD), port):
        asking.join()
    assert [answer.text for answer in said] == ["A good answer."]


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_many_asks_at_once_through_a_failing_server_never_pass_the_cap(desk: Desk) -> None:
    steps = [{"fault": "status", "status": 500}, {"fault": "close"}, {"fault": "half_stream"}]
    all_of_it = {"prompt": 10, "completion": 200}
    script = ScriptedServer.of(*steps, {**GOOD, "usage": all_of_it})
    desk.budget = Budget(Spend(wall_s=3600, tokens=2000, dollars=1.0))
    ends: list[str] = []
    with serve(script) as server:
        voice = desk.voice(server, retries=3)

        def one(number: int) -> None:
            try:
                voice.ask(ask(f"propose-{number}"))
            except BudgetSpent:
                ends.append("spent")
            else:
                ends.append("answered")

        asking = [threading.Thread(target=one, args=(n,)) for n in range(1, 21)]
        for thread in asking:
            thread.start()
        for thread in asking:
            thread.join()
    assert len(ends) == 20
    assert {"spent", "answered"} == set(ends)
    one_reservation = 250
    assert 1000 < desk.tokens <= 2000 + one_reservation
