"""A person (here a thread) answers requests by writing files."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import openai
import pytest

from agent.endpoint.relay import Relay, Step
from agent.endpoint.server import Served, serve
from sandbox.errors import BadInput

HANJI = Path(sys.executable).parent / "hanji"
TOOL = {
    "type": "function",
    "function": {"name": "merge", "description": "Merge two.", "parameters": {"type": "object"}},
}


class Desk:
    """A relay's folder, and everything that its terminal would have shown."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[tuple[int, Step]] = []

    def tell(self, number: int, step: Step, about: str) -> None:
        self.told.append((number, step))

    @contextmanager
    def open(self, wait_s: float = 5.0) -> Iterator[Served]:
        relay = Relay(self.folder, self.tell, wait_s, settle_s=0.02)
        with relay, serve(relay) as served:
            yield served


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "relay")


@contextmanager
def somebody(work: Callable[[], None]) -> Iterator[None]:
    """Another thread at work meanwhile; what fails in it fails here."""
    with ThreadPoolExecutor(1) as pool:
        worked = pool.submit(work)
        yield
    worked.result()


def appearing(path: Path) -> Path:
    """Wait for a file to be there."""
    ends = time.monotonic() + 5
    while not path.exists():
        assert time.monotonic() < ends, f"{path.name} did not appear"
        time.sleep(0.01)
    return path


def ask(
    server: Served, words: str = "Propose.", timeout_s: float = 5, retries: int = 0, **more: object
) -> openai.types.chat.chat_completion.Choice:
    turns = [{"role": "system", "content": "Be honest."}, {"role": "user", "content": words}]
    with openai.OpenAI(
        base_url=server.base_url, api_key="sk-secret", max_retries=retries, timeout=timeout_s
    ) as asking:
        answer = asking.chat.completions.create(model="me", messages=turns, **more)
    assert answer.usage is None
    return answer.choices[0]


def test_a_request_is_a_page_and_the_text_beside_it_is_the_reply(desk: Desk) -> None:
    def write() -> None:
        page = appearing(desk.folder / "0001-request.md").read_text()
        assert page.index("Be honest.") < page.index("Propose.\n\n```tricky") < page.index("merge")
        assert "````" in page
        assert "0001-reply.md" in page
        (desk.folder / "0001-reply.md").write_text("한지\nis paper.\n")

    with desk.open() as server, somebody(write):
        said = ask(server, "Propose.\n\n```tricky", tools=[TOOL], max_tokens=77)
    assert said.message.content == "한지\nis paper."
    assert said.finish_reason == "stop"
    assert desk.told == [(1, "asked"), (1, "answered")]
    assert "77" in (desk.folder / "0001-request.md").read_text()
    assert not [p for p in desk.folder.iterdir() if p.is_file() and "sk-secret" in p.read_text()]


def test_a_reply_may_call_tools(desk: Desk) -> None:
    call = {"name": "merge", "arguments": {"method": "slerp"}}

    def write() -> None:
        appearing(desk.folder / "0001-request.md")
        draft = desk.folder / "draft"
        draft.write_text(json.dumps({"text": "so:", "tool_calls": [call]}))
        draft.rename(desk.folder / "0001-reply.json")

    with desk.open() as server, somebody(write):
        said = ask(server, tools=[TOOL])
    (made,) = said.message.tool_calls or []
    assert made.type == "function"
    assert (made.id, made.function.name) == ("call_0001_1", "merge")
    assert json.loads(made.function.arguments) == {"method": "slerp"}
    assert (said.message.content, said.finish_reason) == ("so:", "tool_calls")


def test_a_schema_is_shown_and_a_reply_may_be_its_json(desk: Desk) -> None:
    schema = {"type": "object", "properties": {"again": {"type": "boolean"}}}
    form = {"type": "json_schema", "json_schema": {"name": "reading", "schema": schema}}

    def write() -> None:
        assert '"again"' in appearing(desk.folder / "0001-request.md").read_text()
        (desk.folder / "0001-reply.json").write_text('{"json": {"again": false}}')

    with desk.open() as server, somebody(write):
        said = ask(server, response_format=form)
    assert json.loads(said.message.content or "") == {"again": False}


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ('{"text": "half', "not JSON"),
        ('{"txt": "x"}', "txt"),
        ("{}", "give"),
        ('{"tool_calls": [{"name": "merge", "arguments": "text"}]}', "arguments"),
    ],
)
def test_a_bad_reply_is_explained_and_waited_for_again(desk: Desk, bad: str, why: str) -> None:
    def write() -> None:
        appearing(desk.folder / "0001-request.md")
        reply = desk.folder / "0001-reply.json"
        reply.write_text(bad)
        error = appearing(desk.folder / "0001-error.txt")
        assert why in error.read_text()
        time.sleep(0.1)
        reply.write_text('{"text": "better"}')

    with desk.open() as server, somebody(write):
        assert ask(server).message.content == "better"
    assert not (desk.folder / "0001-error.txt").exists()
    assert desk.told == [(1, "asked"), (1, "not taken"), (1, "answered")]


def test_a_reply_is_not_taken_while_it_is_written_nor_twice(desk: Desk) -> None:
    def write() -> None:
        appearing(desk.folder / "0001-request.md")
        reply = desk.folder / "0001-reply.md"
        reply.touch()
        time.sleep(0.1)
        with reply.open("a") as file:
            for word in ["a", "reply", "of", "many", "words"]:
                file.write(f"{word} ")
                file.flush()
                time.sleep(0.01)

    with desk.open() as server, somebody(write):
        assert ask(server).message.content == "a reply of many words "


def test_a_reply_that_comes_after_a_time_out_is_used_when_the_request_comes_again(
    desk: Desk,
) -> None:
    with desk.open(wait_s=0.1) as server:
        with pytest.raises(openai.InternalServerError, match=r"0001-reply\.md") as late:
            ask(server)
        assert late.value.status_code == 504
        (desk.folder / "0001-reply.md").write_text("late")
        assert ask(server, stream=False).message.content == "late"
    assert [step for _, step in desk.told] == ["asked", "still waiting", "asked again", "answered"]


def test_a_client_that_gives_up_first_finds_the_reply_too(desk: Desk) -> None:
    with desk.open() as server:
        with pytest.raises(openai.APITimeoutError):
            ask(server, timeout_s=0.1)
        (desk.folder / "0001-reply.md").write_text("late")
        assert ask(server).message.content == "late"


def test_after_a_restart_a_pending_request_is_known_and_others_are_numbered_on(desk: Desk) -> None:
    with desk.open(wait_s=0.1) as server, pytest.raises(openai.InternalServerError):
        ask(server, "first")
    (desk.folder / "0001-reply.md").write_text("one")
    (desk.folder / "0002-reply.md").write_text("written before anything was asked")

    def write() -> None:
        appearing(desk.folder / "0003-request.md")
        (desk.folder / "0003-reply.md").write_text("three")

    with desk.open() as server, somebody(write):
        assert ask(server, "first").message.content == "one"
        assert ask(server, "second").message.content == "three"
    assert len(list(desk.folder.glob("*-request.json"))) == 2


def test_several_requests_wait_at_once(desk: Desk) -> None:
    def write() -> None:
        for number in (3, 1, 2):
            page = appearing(desk.folder / f"000{number}-request.md").read_text()
            word = next(word for word in ("red", "green", "blue") if word in page)
            (desk.folder / f"000{number}-reply.md").write_text(word.upper())

    said: dict[str, str | None] = {}
    with desk.open() as server, somebody(write):
        askers = [
            threading.Thread(target=lambda w=word: said.update({w: ask(server, w).message.content}))
            for word in ("red", "green", "blue")
        ]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join()
    assert said == {"red": "RED", "green": "GREEN", "blue": "BLUE"}


def test_a_relay_that_is_closed_lets_no_client_hang(desk: Desk) -> None:
    failed: list[type[Exception]] = []

    def asker() -> None:
        try:
            ask(server, timeout_s=30)
        except openai.APIConnectionError as error:
            failed.append(type(error))

    with desk.open(wait_s=30) as server:
        thread = threading.Thread(target=asker)
        thread.start()
        appearing(desk.folder / "0001-request.md")
        began = time.monotonic()
    thread.join()
    assert failed == [openai.APIConnectionError]
    assert time.monotonic() - began < 2


def test_two_relays_do_not_share_a_folder(desk: Desk) -> None:
    with desk.open(), pytest.raises(BadInput, match="another relay"), desk.open():
        pass


def test_a_folder_that_is_not_a_relays_is_refused(tmp_path: Path, desk: Desk) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadInput), Desk(tmp_path / "file").open():
        pass
    desk.folder.mkdir()
    (desk.folder / "0001-request.json").write_text("[]")
    with pytest.raises(BadInput, match="0001-request"), desk.open():
        pass


def test_the_command_prints_one_line_a_request_and_ends_when_interrupted(desk: Desk) -> None:
    command = [str(HANJI), "mind", "relay", "--folder", str(desk.folder), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        head = [running.stdout.readline() for _ in range(5)]
        port = int(head[3].rpartition(":")[2].partition("/")[0])
        (base_url,) = [line.split('"')[1] for line in head if "base_url" in line]

        def write() -> None:
            appearing(desk.folder / "0001-request.md")
            (desk.folder / "0001-reply.md").write_text("yes")

        with somebody(write):
            assert ask(Served(base_url, port), "Is it\x1b[2J you?").message.content == "yes"
        running.send_signal(signal.SIGINT)
        rest = running.stdout.read()
        assert running.wait(10) == 0
    assert rest.splitlines() == ["0001  asked          Is it\\x1b[2J you?", "0001  answered"]
