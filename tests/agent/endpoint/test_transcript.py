import json

import pytest

from agent.endpoint.client import Client
from agent.endpoint.endpoint import Endpoint
from agent.endpoint.message import Answer, Ask, Message, ToolCall, Usage
from agent.endpoint.redaction import Redactor, redactor_for
from agent.endpoint.scripted_server import ScriptedServer
from agent.endpoint.server import serve
from agent.endpoint.transcript import Recorded, Replayed, file_stem, pack
from sandbox.errors import (
    BadInput,
    BudgetSpent,
    CannotResume,
    EndpointRefused,
    EndpointUnreachable,
    ReplyUnusable,
    RequestTooLong,
)

KEY = "topsecret-0123456789"
TOOL = {"type": "function", "function": {"name": "merge", "parameters": {"type": "object"}}}


def asking(key="propose-1", text="Say it.", **more):
    return Ask(key, "propose", (Message("system", "Be good."), Message("user", text)), **more)


class Says:
    def __init__(self, *ends):
        self.ends = list(ends)

    def ask(self, ask):
        end = self.ends.pop(0)
        if isinstance(end, Exception):
            raise end
        return end


def answer(text="Well.", calls=()):
    return Answer(text, calls, "tool_calls" if calls else "stop", Usage(11, 3), "m-2026")


def recorded(voice, folder, secrets=(KEY,)):
    return Recorded(voice, folder / "mind", Redactor(secrets), lambda role: "m")


def test_an_exchange_is_one_file_that_a_person_can_read(tmp_path):
    recorded(Says(answer()), tmp_path).ask(asking("propose-1/2"))
    (file,) = (tmp_path / "mind").iterdir()
    kept = json.loads(file.read_text())
    assert file.name == "propose-1_2.json"
    assert [turn["speaker"] for turn in kept["turns"]] == ["system", "user"]
    assert (kept["key"], kept["model"], kept["reply"]["model"]) == ("propose-1/2", "m", "m-2026")
    assert (kept["reply"]["text"], kept["reply"]["completion_tokens"]) == ("Well.", 3)
    assert kept["wall_s"] >= 0


def test_what_was_answered_is_never_asked_again(tmp_path):
    calls = (ToolCall("c1", "merge", '{"t": 0.5}'),)
    first = recorded(Says(answer("I call.", calls)), tmp_path).ask(asking(tools=(TOOL,)))
    again = recorded(Says(), tmp_path).ask(asking(text="another prompt"))
    assert again == first == answer("I call.", calls)


def test_a_run_resumes_against_a_server_that_is_gone(tmp_path):
    server = ScriptedServer.of({"text": "first"})
    with serve(server) as served:
        endpoint = Endpoint(base_url=served.base_url, model="m", retries=0, timeout_s=5)
        recorded(Client(endpoint, {}), tmp_path).ask(asking("a"))
    voice = recorded(Client(endpoint, {}), tmp_path)
    assert voice.ask(asking("a")).text == "first"
    with pytest.raises(EndpointUnreachable):
        voice.ask(asking("b"))


def test_failures_are_kept_and_the_next_try_asks_again(tmp_path):
    voice = recorded(
        Says(EndpointUnreachable("gone"), EndpointUnreachable("again"), answer()), tmp_path
    )
    for _ in range(2):
        with pytest.raises(EndpointUnreachable):
            voice.ask(asking())
    assert voice.ask(asking()).text == "Well."
    names = sorted(file.name for file in (tmp_path / "mind").iterdir())
    assert names == ["propose-1.failed-1.json", "propose-1.failed-2.json", "propose-1.json"]
    kept = json.loads((tmp_path / "mind" / names[1]).read_text())
    assert kept["failure"] == {"kind": "EndpointUnreachable", "what": "again", "fix": ""}


def test_no_secret_reaches_the_disk_or_the_mind(tmp_path):
    other = "sk-proj-abcDEF1234567890"
    said = answer(f"your key is {KEY}", (ToolCall("c", "merge", json.dumps({"k": other})),))
    voice = recorded(Says(said, EndpointRefused(f"bad {KEY}", f"Bearer {other}x9")), tmp_path)
    heard = voice.ask(asking(text=f"I use {other} and Authorization: Bearer abc123DEF456"))
    with pytest.raises(EndpointRefused):
        voice.ask(asking("b"))
    kept = "".join(file.read_text() for file in (tmp_path / "mind").iterdir())
    assert KEY not in kept
    assert other not in kept
    assert "abc123DEF456" not in kept
    assert heard.text == "your key is [redacted]"
    assert heard.calls[0].arguments == '{"k": "[redacted]"}'
    assert recorded(Says(), tmp_path).ask(asking()) == heard


def test_the_key_of_the_endpoint_is_known_and_placeholders_tear_no_words_apart():
    assert redactor_for(Endpoint(), {"OPENAI_API_KEY": f" {KEY}\n"}).text(KEY) == "[redacted]"
    assert redactor_for(Endpoint(), {"OPENAI_API_KEY": "none"}).text("none other") == "none other"
    prose = "a task-arithmetic risk-adjusted bearer instrument, sk-conditional-merging"
    assert Redactor().text(prose) == prose


@pytest.mark.parametrize("key", ["", "../x", "a b", ".hidden", "a/../b", "a" * 200, "a.failed-1"])
def test_a_key_that_cannot_be_a_files_name_is_refused(key):
    with pytest.raises(ValueError, match="cannot name an exchange"):
        file_stem(key)


def test_different_keys_have_different_files():
    assert len({file_stem(key) for key in ("a/b", "a_b", "a-b", "a.b", "a_/b", "a/b/c")}) == 6


@pytest.mark.parametrize("text", ["", "{", '{"key": "propose-1"}'])
def test_a_damaged_file_is_named_and_not_asked_over(tmp_path, text):
    (tmp_path / "mind").mkdir()
    (tmp_path / "mind" / "propose-1.json").write_text(text)
    with pytest.raises(CannotResume, match=r"propose-1\.json"):
        recorded(Says(), tmp_path).ask(asking())


def test_a_file_of_another_exchange_is_refused(tmp_path):
    recorded(Says(answer()), tmp_path).ask(asking("a"))
    (tmp_path / "mind" / "a.json").rename(tmp_path / "mind" / "b.json")
    with pytest.raises(CannotResume, match="holds the exchange 'a', not 'b'"):
        recorded(Says(), tmp_path).ask(asking("b"))


# ---- playing back ----


def a_recording(folder):
    voice = recorded(
        Says(answer("one"), EndpointUnreachable("was gone"), answer("two"), BudgetSpent("no", "m")),
        folder,
    )
    voice.ask(asking("propose-1/1"))
    with pytest.raises(EndpointUnreachable):
        voice.ask(asking("write"))
    voice.ask(asking("write"))
    with pytest.raises(BudgetSpent):
        voice.ask(asking("review-1"))


def kinds_of_recording(folder):
    pack(folder, folder / "cassette.jsonl")
    return [folder, folder / "mind", folder / "cassette.jsonl"]


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_a_recording_says_the_same_without_a_server(tmp_path, kind):
    a_recording(tmp_path)
    voice = Replayed.read(kinds_of_recording(tmp_path)[kind])
    assert voice.ask(asking("propose-1/1")).text == "one"
    assert voice.ask(asking("write")).text == "two"
    with pytest.raises(BudgetSpent) as spent:
        voice.ask(asking("review-1"))
    assert (spent.value.what, spent.value.fix) == ("no", "m")


def test_a_failure_that_was_final_is_replayed_as_one(tmp_path):
    voice = recorded(Says(EndpointUnreachable("first"), EndpointRefused("last")), tmp_path)
    for kind in (EndpointUnreachable, EndpointRefused):
        with pytest.raises(kind):
            voice.ask(asking())
    with pytest.raises(EndpointRefused, match="last"):
        Replayed.read(tmp_path).ask(asking())


def test_a_key_that_the_recording_lacks_is_named(tmp_path):
    a_recording(tmp_path)
    with pytest.raises(EndpointRefused, match="has no exchange 'propose-2'"):
        Replayed.read(tmp_path).ask(asking("propose-2"))


def test_a_cassette_is_the_same_whatever_order_it_was_recorded_in(tmp_path):
    a_recording(tmp_path)
    assert pack(tmp_path, tmp_path / "one.jsonl") == 3
    assert pack(tmp_path / "one.jsonl", tmp_path / "two.jsonl") == 3
    one = (tmp_path / "one.jsonl").read_bytes()
    assert one == (tmp_path / "two.jsonl").read_bytes()
    assert one.count(b"\n") == 3


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("none.jsonl", None, "No such file"),
        ("empty.jsonl", "", "holds no exchange"),
        ("bad.jsonl", '{"key": "a"}', "bad.jsonl, line 1 is not an exchange"),
    ],
)
def test_what_is_no_recording_is_refused(tmp_path, name, text, said):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(BadInput, match=said):
        Replayed.read(tmp_path / name)


def test_a_turn_of_a_megabyte_is_not_kept_whole(tmp_path):
    recorded(Says(answer()), tmp_path).ask(asking(text="x" * 1_000_000))
    file = tmp_path / "mind" / "propose-1.json"
    assert file.stat().st_size < 500_000
    assert "[600000 more characters are not kept]" in file.read_text()


def test_a_replay_repeats_a_failure_as_what_it_was(tmp_path):
    kinds = (EndpointRefused, EndpointUnreachable, ReplyUnusable, RequestTooLong, BudgetSpent)
    for number, kind in enumerate(kinds, 1):
        voice = recorded(Says(kind("no", "mend")), tmp_path)
        with pytest.raises(kind):
            voice.ask(asking(f"propose-{number}"))
    replayed = Replayed.read(tmp_path)
    for number, kind in enumerate(kinds, 1):
        with pytest.raises(kind) as caught:
            replayed.ask(asking(f"propose-{number}"))
        assert type(caught.value) is kind
