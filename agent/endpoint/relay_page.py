"""A request as a page for whoever answers it."""

from __future__ import annotations

import json
import re

from pydantic import JsonValue

from agent.endpoint.protocol import ChatRequest, Facts, Turn

TITLE = 72


def title(request: ChatRequest) -> str:
    """The first line of the last user turn, short."""
    line = request.said.strip().partition("\n")[0].lstrip("# ")
    return line if len(line) <= TITLE else f"{line[: TITLE - 1]}…"


def page(number: int, request: ChatRequest) -> str:
    """Everything that is asked, in order, and what to write where.

    What was said is fenced, so that nothing inside looks like a part of the page.
    """
    parts = [f"# Request {number:04}", _task(number, request)]
    if request.reply_schema is not None:
        parts += ["The reply has to be JSON of this schema:", _json(dict(request.reply_schema))]
    parts.append("## Messages")
    for place, turn in enumerate(request.messages, 1):
        parts += _turn(place, turn)
    if request.tools:
        parts.append("## Tools that may be called")
        for tool in request.tools:
            parts += _tool(tool)
    return "\n\n".join(parts) + "\n"


def _task(number: int, request: ChatRequest) -> str:
    most = request.max_completion_tokens or request.max_tokens
    limit = f" The reply may have about {most} tokens." if most else ""
    return (
        f"Asked of the model `{request.model}`.{limit} Write one of:\n\n"
        f"- `{number:04}-reply.md`: the text of the reply, just as it is to arrive\n"
        f'- `{number:04}-reply.json`: `{{"text": "…", "tool_calls": [{{"name": "…", '
        '"arguments": {…}}]}`, either part alone, or `"json": …` where the text is JSON\n\n'
        "It is taken when it stops changing; to be sure, write it under another name and rename it."
    )


def _turn(place: int, turn: Turn) -> list[str]:
    to = f", to call {turn.tool_call_id}" if turn.tool_call_id else ""
    parts = [f"### {place}. {turn.role}{to}"]
    if turn.text:
        parts.append(_fenced(turn.text))
    for call in turn.tool_calls or ():
        parts += [f"Call {call.id}: `{call.function.name}`", _fenced(call.function.arguments)]
    return parts


def _tool(tool: Facts) -> list[str]:
    function = tool.get("function")
    facts = function if isinstance(function, dict) else tool
    parts = [
        f"### {facts.get('name', 'without a name')}",
        _fenced(str(facts.get("description", ""))),
    ]
    return [*parts, _json(facts.get("parameters"))]


def _json(value: JsonValue) -> str:
    return _fenced(json.dumps(value, ensure_ascii=False, indent=1), "json")


def _fenced(text: str, kind: str = "") -> str:
    """The text in a fence that it does not contain."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{kind}\n{text}\n{fence}"
