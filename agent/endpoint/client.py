"""A model behind an OpenAI-compatible server, asked over HTTP with the `openai` package.

The package retries what passes (429 with its retry-after, 5xx, time-outs); a reply that breaks off
half way is asked for again here. Every fault ends as one MindFailed. Nothing a server does holds an
ask longer than WALLS time-outs, and a person's wish to stop is seen while waiting.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn

from agent.endpoint.connection import Connection
from agent.endpoint.dialect import PATHS, Body, body_of, refused_field
from agent.endpoint.endpoint import Endpoint
from agent.endpoint.estimate import prompt_tokens, tokens_of
from agent.endpoint.message import Answer, Ask, Usage
from agent.endpoint.reading import ChatGathering, Gathering, Malformed, Withheld
from agent.endpoint.redaction import redactor_for
from agent.endpoint.refusals import Refusals
from agent.endpoint.responses_reading import ResponsesGathering
from sandbox.errors import EndpointUnreachable, MindFailed, RequestTooLong

if TYPE_CHECKING:
    import openai

WALLS = 5
POLL_S = 0.2
CHARACTERS_A_TOKEN, SPARE_CHARACTERS = 16, 4096
WIRE_BYTES_A_TOKEN, SPARE_BYTES = 2048, 1 << 20
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 8.0
NOT_JSON = "what it sent is not JSON"
FIX = "see that base_url ends as the server wants it (often /v1), or use another model or server"
READINGS: Mapping[str, Callable[[], Gathering]] = {
    "chat": ChatGathering,
    "responses": ResponsesGathering,
}


class _Broken(Exception):
    """A reply that began and did not come to its end. said: what had come."""

    def __init__(self, failure: MindFailed, said: str) -> None:
        self.failure = failure
        self.said = said
        super().__init__(str(failure))


class Client:
    """A Voice over HTTP. stopped: called while waiting; raises when the person wants to stop.

    streamed: whether the last reply came as a stream. left_out: optional field that the server
    refused -> what it said. Raises BadInput for an endpoint that is not set up, before anything is
    sent.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        environment: Mapping[str, str],
        stopped: Callable[[], None] = lambda: None,
    ) -> None:
        self.endpoint = endpoint
        self.streamed = False
        self._connection = Connection(endpoint, environment)
        self._stopped = stopped
        self._refusals = Refusals(endpoint, redactor_for(endpoint, environment))
        self.left_out: dict[str, str] = {}
        self._left_out: dict[str, frozenset[str]] = {}

    def ask(self, ask: Ask) -> Answer:
        """The model's answer. Raises a MindFailed, never one that names the key."""
        self._check_fits(ask)
        import_module("openai")  # the first time takes seconds, which are not the server's
        return asyncio.run(self._patiently(ask))

    def _check_fits(self, ask: Ask) -> None:
        prompt = prompt_tokens(ask)
        if prompt + ask.most_tokens > self.endpoint.context:
            refused = RequestTooLong(
                f"{ask.key}: about {prompt} tokens of prompt and {ask.most_tokens} of reply do not "
                f"fit into the context of {self.endpoint.context}",
                "raise `context` in [endpoint] if the model has a longer one",
            )
            refused.spent = (0, 0)
            raise refused

    async def _patiently(self, ask: Ask) -> Answer:
        """The exchange, given up at the wall or when the person stops."""
        wall_s = WALLS * self.endpoint.timeout_s
        loop = asyncio.get_running_loop()
        until = loop.time() + wall_s
        work = asyncio.create_task(self._exchange(ask))
        while not work.done():
            left_s = until - loop.time()
            if left_s <= 0:
                raise EndpointUnreachable(
                    f"{self._refusals.where} did not answer in full within {wall_s:g} s",
                    "raise timeout_s in [endpoint], or use a faster model",
                )
            await asyncio.wait({work}, timeout=min(POLL_S, left_s))
            if not work.done():
                self._stopped()
        return work.result()

    async def _exchange(self, ask: Ask) -> Answer:
        """One answer, asked for again where it breaks off; what broke off is counted as spent."""
        retries, lost = self.endpoint.retries, 0
        prompt = prompt_tokens(ask)
        async with self._connection.open(_most_bytes(ask)) as package:
            for attempt in range(retries + 1):
                trying = package.with_options(max_retries=retries - attempt)
                try:
                    answer = await self._accepted(trying, ask)
                except _Broken as broken:
                    lost += tokens_of(broken.said)
                    if attempt == retries:
                        broken.failure.spent = ((attempt + 1) * prompt, lost)
                        raise broken.failure from None
                    await asyncio.sleep(min(FIRST_PAUSE_S * 2**attempt, LONGEST_PAUSE_S))
                else:
                    return _with_losses(answer, attempt * prompt, lost)
        raise AssertionError("the last attempt returns or raises")

    async def _accepted(self, package: openai.AsyncOpenAI, ask: Ask) -> Answer:
        """Ask without the optional fields that the server refuses, and remember which."""
        import openai

        model = self.endpoint.model_for(ask.role)
        while True:
            left_out = self._left_out.get(model, frozenset())
            body = body_of(ask, self.endpoint, left_out)
            try:
                return await self._once(package, ask, body)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                failure = self._refusals.of(error)
                field = refused_field(body, self._refusals.words(error), self.endpoint)
                if isinstance(failure, RequestTooLong) or not field:
                    raise failure from None
                self._left_out[model] = left_out | {field}
                self.left_out[field] = failure.what
            except openai.APIError as error:
                raise self._refusals.of(error) from None

    async def _once(self, package: openai.AsyncOpenAI, ask: Ask, body: Body) -> Answer:
        reading = READINGS[self.endpoint.api]()
        prompt, most = prompt_tokens(ask), SPARE_CHARACTERS + CHARACTERS_A_TOKEN * ask.most_tokens
        read = self._stream if body.get("stream") else self._whole
        try:
            await read(package, body, reading, most)
            answer = reading.answer(Usage(prompt, tokens_of(reading.said()), measured=False))
            if answer is None and not self.streamed:
                raise Malformed("it answered without an answer in it")
        except Malformed as why:
            named = self._refusals.unusable if isinstance(why, Withheld) else self._refusals.refused
            refused = named(str(why), FIX)
            refused.spent = (prompt, tokens_of(reading.said()))
            raise refused from None
        if answer is None:
            self._break_off("before its reply came to an end", reading)
        return answer

    async def _whole(
        self, package: openai.AsyncOpenAI, body: Body, reading: Gathering, most: int
    ) -> None:
        self.streamed = False
        try:
            data = await package.post(PATHS[self.endpoint.api], body=body, cast_to=object)
        except (ValueError, RecursionError):
            raise Malformed(NOT_JSON) from None
        if isinstance(data, str):
            raise Malformed(NOT_JSON)
        _add(reading, data, most)

    async def _stream(
        self, package: openai.AsyncOpenAI, body: Body, reading: Gathering, most: int
    ) -> None:
        """Read events; a server that ignores the wish for a stream sends the whole."""
        import httpx2
        import openai

        path, kind = PATHS[self.endpoint.api], openai.AsyncStream[object]
        stream = await package.post(path, body=body, cast_to=object, stream=True, stream_cls=kind)
        told = stream.response.headers.get("content-type", "")
        self.streamed = told.startswith("text/event-stream")
        try:
            if not self.streamed:
                return _add(reading, _json(await stream.response.aread()), most)
            async for piece in stream:
                _add(reading, piece, most)
        except openai.APIError as error:
            raise _Broken(self._refusals.of(error), reading.said()) from None
        except (httpx2.RequestError, ValueError, RecursionError) as error:
            self._break_off(f"in the middle of its reply ({type(error).__name__})", reading)
        finally:
            await stream.close()

    def _break_off(self, where: str, reading: Gathering) -> NoReturn:
        failure = EndpointUnreachable(
            f"{self._refusals.where} broke off {where}", "try again: `hanji resume`"
        )
        raise _Broken(failure, reading.said()) from None


def _json(body: bytes) -> object:
    try:
        data: object = json.loads(body)
    except (ValueError, RecursionError):
        raise Malformed(NOT_JSON) from None
    return data


def _add(reading: Gathering, data: object, most: int) -> None:
    """Raises Malformed for what is no reply and for one that never ends."""
    reading.add(data)
    if reading.size > most:
        raise Withheld(f"its reply is longer than {most} characters")


def _most_bytes(ask: Ask) -> int:
    return SPARE_BYTES + WIRE_BYTES_A_TOKEN * ask.most_tokens


def _with_losses(answer: Answer, prompt: int, completion: int) -> Answer:
    """The answer, its usage grown by what earlier attempts may have cost."""
    if not prompt:
        return answer
    used = answer.usage
    usage = Usage(used.prompt + prompt, used.completion + completion, measured=False)
    return replace(answer, usage=usage)
