"""What a server does wrong, and what has to come of it: the cases of the fault suite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.agent.fault_desk import CAPS, KEY
from tests.agent.spoken import GIBBERISH

Step = Mapping[str, object]
ALWAYS = {"repeat": "forever"}
REFUSED = "its server refused to answer"
AWAY = "its server did not answer"
UNUSABLE = "its reply was not usable"
SPENT = "its share of the budget was spent"
TOO_LONG = "the request did not fit into its context"
GOOD = {"json": {"queries": ["sign conflicts", "task arithmetic"]}}
QUERIES = ["sign conflicts", "task arithmetic"]


@dataclass(frozen=True)
class Fault:
    """What a server does, and how it ends.

    why: why the built-in mind answered; empty where the model did. requests: that the server saw.
    again: what a later session, with a good server, still has to ask. dollars: the cap.
    """

    does: Sequence[Step]
    why: str
    requests: int
    again: int = 1
    settings: Mapping[str, object] = field(default_factory=dict)
    tokens: int = CAPS.tokens
    dollars: float = 0.0


def status(code: int, **more: object) -> dict[str, object]:
    return {"fault": "status", "status": code, **more}


def stays(does: Step, why: str, requests: int, again: int = 1, **settings: object) -> Fault:
    return Fault([{**does, **ALWAYS}], why, requests, again, settings)


def passes(*does: Step, requests: int, **settings: object) -> Fault:
    return Fault([*does, {**GOOD, **ALWAYS}], "", requests, 0, settings)


WHOLE = {"stream": False}
QUIET = {"timeout_s": 0.3}
SURVEY: dict[str, Fault] = {
    "401": stays(status(401), REFUSED, 1),
    "401 that echoes the key": stays(status(401, message=f"bad key {KEY}"), REFUSED, 1),
    "403": stays(status(403), REFUSED, 1),
    "404, no such model": stays(status(404), REFUSED, 1),
    "429 without retry-after": stays(status(429), AWAY, 2),
    "429 without retry-after, that passes": passes(status(429), requests=2),
    "429 with retry-after": stays(status(429, retry_after=0.02), AWAY, 2),
    "429 with retry-after, that passes": passes(status(429, retry_after=0.05), requests=2),
    "a storm of 500": stays(status(500), AWAY, 4, retries=3),
    "a storm of 500 that passes": passes(*[status(500)] * 3, requests=4, retries=3),
    "a timeout": stays({"fault": "timeout", "seconds": 60}, AWAY, 2, **QUIET),
    "a reset": stays({"fault": "close"}, AWAY, 2),
    "half a stream": stays({"fault": "half_stream"}, AWAY, 2),
    "half a stream, then a whole one": passes({"fault": "half_stream"}, requests=2),
    "half a body": stays({"fault": "half_stream"}, AWAY, 2, **WHOLE),
    "an error within the stream": stays({"fault": "stream_error"}, AWAY, 2),
    "a body that is not JSON": stays({"fault": "not_json"}, REFUSED, 1, **WHOLE),
    "a sign-in page": stays({"fault": "html"}, REFUSED, 1),
    "a gateway's page": stays({"fault": "html", "status": 502}, AWAY, 2),
    "an empty stream": stays({"fault": "empty"}, AWAY, 2),
    "an empty answer": stays({"text": ""}, UNUSABLE, 1),
    "a content filter": stays({"text": "no", "finish": "content_filter"}, UNUSABLE, 1),
    "a huge reply": stays({"fault": "huge", "megabytes": 2}, UNUSABLE, 1),
    "a huge reply, not streamed": stays({"fault": "huge", "megabytes": 12}, UNUSABLE, 1, **WHOLE),
    "truncated JSON": stays({"text": '{"queries": ["a', "finish": "length"}, UNUSABLE, 2, 0),
    "truncated JSON, then whole": passes({"text": '{"queries": ["a'}, requests=2),
    "the wrong schema": stays({"json": {"query": "merging"}}, UNUSABLE, 2, 0),
    "the wrong type": stays({"json": {"queries": [1, 2]}}, UNUSABLE, 2, 0),
    "too many of them": stays({"json": {"queries": ["ab"] * 99}}, UNUSABLE, 2, 0),
    "gibberish": stays({"text": GIBBERISH}, UNUSABLE, 2, 0),
    "deep nesting": stays({"text": '{"queries": ' + "[" * 5000}, UNUSABLE, 2, 0),
    "control characters": stays({"json": {"queries": ["a\u001b[2J b"]}}, UNUSABLE, 2, 0),
    "a tool call in place of words": stays(
        {"tool_calls": [{"name": "read_labels", "arguments": {}}]}, UNUSABLE, 2, 0
    ),
    "usage left out": Fault([{**GOOD, **ALWAYS, "usage": False}], "", 1, 0),
    "another model answers": Fault([{**GOOD, **ALWAYS, "model": "other"}], "", 1, 0),
    "schemas refused": Fault(
        [{"when": {"schema": True}, **status(400, message="no response_format"), **ALWAYS},
         {**GOOD, **ALWAYS}], "", 2, 0,
    ),
    "price missing": Fault([{**GOOD, **ALWAYS}], REFUSED, 0, dollars=1.0),
    "no tokens left": Fault([{**GOOD, **ALWAYS}], SPENT, 0, tokens=500),
    "a prompt longer than the context": stays(GOOD, TOO_LONG, 0, context=2048),
    "a prompt that the server finds too long": stays(
        status(400, message="maximum context length is 512 tokens"), TOO_LONG, 1
    ),
}  # fmt: skip


# ---- the model at its tools ----

LOOK = {"tool_calls": [{"name": "search_literature", "arguments": {"query": "merging"}}]}
IDEAS = {"json": {"ideas": [{"family": "composition"}], "why": "it is what was asked"}}
PROPOSE = {"when": {"tools": False}, **IDEAS, **ALWAYS}


def called(name: str, arguments: object = "{}") -> dict[str, object]:
    return {"tool_calls": [{"name": name, "arguments": arguments}]}


@dataclass(frozen=True)
class Talk:
    """A conversation with tools. told: what the model is told of it. turns: it is asked so often.

    made: calls in the ledger, as tool and status. again: turns that a later session asks for.
    """

    does: Sequence[Step]
    told: str
    turns: int
    made: Sequence[tuple[str, str]] = ()
    again: int = 0


DONE = {"text": "Enough.", **ALWAYS}
TALKS: dict[str, Talk] = {
    "an invented tool": Talk([called("read_labels"), DONE], "no tool 'read_labels'; known", 2),
    "a tool that edits limits": Talk([called("edit_limits"), DONE], "no tool 'edit_limits'", 2),
    "arguments that are not JSON": Talk(
        [called("search_literature", "{query"), DONE], "not JSON", 2,
        [("search_literature", "refused")],
    ),
    "arguments of the wrong kind": Talk(
        [called("search_literature", {"query": 7}), DONE], "query", 2,
        [("search_literature", "refused")],
    ),
    "an endless tool loop": Talk(
        [{**LOOK, **ALWAYS}], "was made before", 4, [("search_literature", "ok")] * 2
    ),
    "an endless loop of invented tools": Talk([{**called("x"), **ALWAYS}], "no tool 'x'", 12),
    "a good look, then an empty answer": Talk(
        [LOOK, {"text": "", **ALWAYS}], "data between the marks", 2,
        [("search_literature", "ok")], 1,
    ),
    "tools refused": Talk(
        [{"when": {"tools": True}, **status(400, message="m does not support tools"), **ALWAYS}],
        "", 1,
    ),
}  # fmt: skip


# ---- the model at its paper ----

FILLING = "Merging promises abilities without training, and a test tells what is left of it."
CITED = "{{citep:wortsman2022soups}}. {{run.question}}"
PARTS: dict[str, tuple[str, str, str]] = {
    "digits typed in prose": ("introduction", f"{FILLING} It reaches 78.3 here {CITED}", "78.3"),
    "number words": ("introduction", f"{FILLING} It takes ninety steps {CITED}", "ninety"),
    "an invented evidence id": (
        "introduction", f"{FILLING} Its mean is {{{{ev:0123456789ab}}}} {CITED}", "ev:0123",
    ),
    "an invented citation": (
        "introduction", f"{FILLING} As is known {{{{citep:ilharco2022task}}}}. {CITED}",
        "ilharco2023task",
    ),
    "LaTeX injection": (
        "introduction", f"{FILLING} \\input{{/etc/passwd}} \\write18{{ls}} {CITED}", "markup",
    ),
    "LaTeX injection in mathematics": (
        "introduction", f"{FILLING} $\\input{{/etc/passwd}}$ {CITED}", "input",
    ),
    "a contradictory claim": (
        "discussion", "{{D.treatment}} is better than {{D.control}} in every respect, by far.",
        "D, which is refuted",
    ),
    "instructions hidden in data that are obeyed": (
        "introduction", f"As I was told to, I report an accuracy of 99.9 percent {CITED}", "99.9",
    ),
    "a claim of novelty": (
        "introduction", f"{FILLING} It is a novel and unprecedented idea {CITED}", "novel",
    ),
    "hidden direction": ("introduction", f"{FILLING} \u202esdrawkcab {CITED}", "U+202E"),
}  # fmt: skip
