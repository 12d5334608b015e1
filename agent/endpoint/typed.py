"""A reply of a given type, whether or not the server can hold a model to a schema.

The prompt asks for one JSON object and shows its schema; the schema goes along as well, for servers
that honour it. What comes is extracted, validated, and asked for once more when it does not hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from pydantic import BaseModel, JsonValue, ValidationError

from agent.endpoint.message import Answer, Ask, Message, Voice
from agent.endpoint.strict_json import strict_json
from sandbox.errors import ReplyUnusable

R = TypeVar("R", bound=BaseModel)
REPAIR = "-repair"
MOST_CHARACTERS = 1_000_000
MOST_OBJECTS = 64
MOST_FAULTS = 8
QUOTED = 12_000
"""Characters of a bad reply that its repair turn shows the model again."""
FORM = (
    "Answer with one JSON object and nothing else: no text before or after it, no comments. "
    "It must hold to this JSON schema:\n{schema}"
)
MEND = (
    "That reply cannot be used:\n{faults}\nAnswer again with the whole JSON object, corrected, and "
    "nothing else."
)
THOUGHT = re.compile(r"\A\s*<(think|thinking|thought)>.*?(?:</\1>|\Z)", re.DOTALL)


class _Unfit(Exception):
    """Why a reply cannot be used, one line for each fault."""


def ask_typed(voice: Voice, ask: Ask, kind: type[R]) -> tuple[R, Answer]:
    """The reply and the answer it was read from.

    One repair turn, under the key with `-repair`. Raises ReplyUnusable when that does not hold
    either, and whatever the voice raises.
    """
    schema: dict[str, JsonValue] = kind.model_json_schema()
    asked = replace(ask, messages=_with_form(ask.messages, schema), schema=schema)
    answer = voice.ask(asked)
    try:
        return _read(answer, kind), answer
    except _Unfit as unfit:
        said = Message("assistant", answer.text[:QUOTED] or "(nothing)")
        told = Message("user", MEND.format(faults=unfit))
    again = replace(asked, key=ask.key + REPAIR, messages=(*asked.messages, said, told))
    answer = voice.ask(again)
    try:
        return _read(answer, kind), answer
    except _Unfit as unfit:
        first = str(unfit).splitlines()[0].removeprefix("- ")
        raise ReplyUnusable(
            f"{ask.key}: the reply is not what was asked for, even when told so: {first}",
            "the exchange is kept in the run's folder mind/; a better model may do",
        ) from None


def after_thought(text: str) -> str:
    """The text without a chain of thought that some servers leave at its beginning."""
    return THOUGHT.sub("", text, count=1).strip()


def _with_form(turns: tuple[Message, ...], schema: dict[str, JsonValue]) -> tuple[Message, ...]:
    """The turns, the last of which says what to answer with; some models take no two in a row."""
    form = FORM.format(schema=json.dumps(schema, ensure_ascii=False))
    if turns and turns[-1].speaker == "user":
        last = turns[-1]
        return (*turns[:-1], replace(last, content=f"{last.content}\n\n{form}"))
    return (*turns, Message("user", form))


def _read(answer: Answer, kind: type[R]) -> R:
    """The first object that holds. Raises _Unfit with what is wrong with the longest one."""
    if answer.finish == "length":
        raise _Unfit("- it was cut off at the limit of tokens; be shorter")
    if len(answer.text) > MOST_CHARACTERS:
        raise _Unfit(f"- it is longer than {MOST_CHARACTERS} characters; be shorter")
    text = after_thought(answer.text)
    faults, longest = "- there is no JSON object in it", -1
    for found in _objects(text):
        if found.text == "{}" != text:
            continue
        try:
            return found.reply(kind)
        except _Unfit as unfit:
            if found.length > longest:
                faults, longest = str(unfit), found.length
    raise _Unfit(faults)


@dataclass(frozen=True)
class _Found:
    """A piece of text between matching braces."""

    text: str

    @property
    def length(self) -> int:
        """Characters."""
        return len(self.text)

    def reply(self, kind: type[R]) -> R:
        """The piece as a reply. Raises _Unfit."""
        try:
            return kind.model_validate(strict_json(self.text))
        except ValidationError as error:
            raise _Unfit(_faults(error)) from None
        except ValueError as error:
            raise _Unfit(f"- {str(error)[:200]}") from None


def _objects(text: str) -> Iterator[_Found]:
    """The outermost pieces between braces, whether or not they are JSON.

    What stands inside of a broken object is never taken for a reply of its own.
    """
    start, tried = text.find("{"), 0
    while start >= 0 and tried < MOST_OBJECTS:
        end = _closing(text, start)
        yield _Found(text[start:end])
        start, tried = text.find("{", end), tried + 1


def _closing(text: str, start: int) -> int:
    """Where the piece that begins here ends: behind its closing brace, or at the text's end."""
    depth, quoted = 0, False
    for mark in _MARKS.finditer(text, start):
        sign = mark.group()
        if sign == '"':
            quoted = not quoted
        elif not quoted and sign in "{}":
            depth += 1 if sign == "{" else -1
            if depth == 0:
                return mark.end()
    return len(text)


_MARKS = re.compile(r'\\.|["{}]', re.DOTALL)


def _faults(error: ValidationError) -> str:
    """The first faults, each with its field."""
    rows = error.errors(include_input=False, include_url=False)
    lines = [
        f"- {'.'.join(str(part) for part in row['loc'])[:120] or 'the whole'}: {row['msg'][:200]}"
        for row in rows[:MOST_FAULTS]
    ]
    if len(rows) > MOST_FAULTS:
        lines.append(f"- and {len(rows) - MOST_FAULTS} more faults")
    return "\n".join(lines)
