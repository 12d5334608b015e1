"""What a language model's server honours, tried one by one over HTTP.

    python -P benchmarks/minds.py --base-url URL --model NAME

The key is in OPENAI_API_KEY. --report FILE keeps the answers as JSON.
benchmarks/transformers_serve.py asks all this of a server that it starts itself.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import openai

from agent.endpoint.client import Client
from agent.endpoint.endpoint import Endpoint
from agent.endpoint.message import Ask, Message
from sandbox.errors import HanjiError

TURNS = [{"role": "user", "content": "Name a colour."}]
SCHEMA = {
    "type": "object",
    "properties": {"colour": {"type": "string", "maxLength": 8}},
    "required": ["colour"],
    "additionalProperties": False,
}
TOOL = {
    "type": "function",
    "function": {"name": "paint", "description": "Paint it.", "parameters": SCHEMA},
}
MOST = 24


def is_json_of_schema(text: str | None) -> bool:
    """Whether a reply is what SCHEMA asks."""
    try:
        found = json.loads(text or "")
    except ValueError:
        return False
    return isinstance(found, dict) and set(found) == {"colour"}


class Questions:
    """Each method asks one thing and says what came: honoured, ignored, or what else."""

    def __init__(self, client: openai.OpenAI, model: str) -> None:
        self.client = client
        self.model = model

    def chat(self, **more: Any) -> Any:  # noqa: ANN401 (an answer or a stream of it)
        """One answer of Chat Completions."""
        asked: dict[str, Any] = {"model": self.model, "messages": TURNS, "max_tokens": MOST}
        return self.client.chat.completions.create(**asked | more)

    def models(self) -> str:
        """GET /v1/models."""
        names = [model.id for model in self.client.models.list()]
        return "honoured" if self.model in names else f"lists {len(names)}, not this one"

    def a_chat(self) -> str:
        """A text."""
        return "honoured" if self.chat().choices[0].message.content else "empty"

    def whole_usage(self) -> str:
        """Tokens of a whole answer."""
        return "honoured" if self.chat().usage else "ignored"

    def max_tokens(self) -> str:
        """A limit, and that a cut is said."""
        answer = self.chat(max_tokens=3)
        within = answer.usage is not None and answer.usage.completion_tokens <= 3
        cut = answer.choices[0].finish_reason
        return f"{'honoured' if within else 'ignored'}, finish {cut}"

    def stream(self) -> str:
        """More than one piece."""
        chunks = [c for c in self.chat(stream=True) if c.choices and c.choices[0].delta.content]
        return "honoured" if len(chunks) > 1 else f"{len(chunks)} pieces"

    def stream_usage(self) -> str:
        """Tokens at a stream's end."""
        chunks = list(self.chat(stream=True, stream_options={"include_usage": True}))
        return "honoured" if chunks and chunks[-1].usage else "ignored"

    def json_schema(self) -> str:
        """Text of a shape; a cut text proves nothing."""
        form = {"name": "reply", "schema": SCHEMA, "strict": True}
        format_ = {"type": "json_schema", "json_schema": form}
        text = self.chat(response_format=format_, max_tokens=64).choices[0].message.content
        return "honoured" if is_json_of_schema(text) else "ignored"

    def tool_choice(self) -> str:
        """A call that is required."""
        answer = self.chat(tools=[TOOL], tool_choice="required", max_tokens=64)
        return "honoured" if answer.choices[0].message.tool_calls else "ignored"

    def two_at_once(self) -> str:
        """Several samples of one request."""
        return "honoured" if len(self.chat(n=2).choices) == 2 else "ignored"

    def temperature(self) -> str:
        """Whether two hot samples differ."""
        said = {self.chat(temperature=1.5).choices[0].message.content for _ in range(3)}
        return "samples differ" if len(said) > 1 else "samples are identical"

    def responses(self) -> str:
        """The other dialect."""
        answer = self.client.responses.create(
            model=self.model, input="Name a colour.", max_output_tokens=MOST
        )
        if isinstance(answer, str):
            return "streams though not asked to"
        return "honoured" if answer.output_text else "empty"

    def another_model(self) -> str:
        """A name that the server does not have."""
        self.chat(model="no-such-model")
        return "answered all the same"


def tried(question: Callable[[], str]) -> str:
    """The answer to a question, or how the server refused it."""
    try:
        return question()
    except openai.APIStatusError as error:
        return f"refused with {error.status_code}"
    except openai.APIError as error:
        return f"failed: {type(error).__name__}"


def through_hanji(base_url: str, model: str) -> Mapping[str, object]:
    """What Hanji's own client gets from the same server."""
    endpoint = Endpoint(base_url=base_url, model=model, retries=0)
    ask = Ask("bench", "propose", (Message("user", "Name a colour."),), most_tokens=MOST)
    began = time.monotonic()
    try:
        answer = Client(endpoint, os.environ).ask(ask)
    except HanjiError as error:
        return {"failure": f"{type(error).__name__}: {error.what}"}
    seconds = round(time.monotonic() - began, 2)
    facts = {"characters": len(answer.text), "finish": answer.finish, "seconds": seconds}
    return facts | {"tokens": answer.usage.tokens, "counted_by_server": answer.usage.measured}


def examine(base_url: str, model: str) -> dict[str, object]:
    """Ask everything once."""
    key = os.environ.get("OPENAI_API_KEY", "none")
    with openai.OpenAI(base_url=base_url, api_key=key, max_retries=0, timeout=120) as client:
        ask = Questions(client, model)
        questions = {
            "models are listed": ask.models,
            "chat": ask.a_chat,
            "usage": ask.whole_usage,
            "max_tokens": ask.max_tokens,
            "stream": ask.stream,
            "usage in a stream": ask.stream_usage,
            "json_schema": ask.json_schema,
            "tool_choice required": ask.tool_choice,
            "n": ask.two_at_once,
            "temperature": ask.temperature,
            "responses": ask.responses,
            "a model it has not": ask.another_model,
        }
        found: dict[str, object] = {}
        for name, question in questions.items():
            found[name] = tried(question)
            print(f"{name:<24}{found[name]}", flush=True)
    found["in hanji"] = through_hanji(base_url, model)
    print(f"{'in hanji':<24}{found['in hanji']}")
    return found


def main() -> None:
    """Examine a server and say what it honours."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--report", type=Path)
    given = parser.parse_args()
    honours = examine(given.base_url, given.model)
    if given.report:
        given.report.write_text(json.dumps(honours, indent=1) + "\n")


if __name__ == "__main__":
    main()
