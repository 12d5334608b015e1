"""JSON that something untrusted wrote: bounded depth and digits, finite, no key twice."""

from __future__ import annotations

import json
import math
import re
from typing import NoReturn

from pydantic import JsonValue

from sandbox.errors import OutputRejected

DIGITS = 40
FIX = "write plain JSON: UTF-8, finite numbers, each key once, shallow"
# One that is never closed reaches to the end: no scan starts twice, whatever the text.
_STRINGS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")


def parse_json(data: bytes, name: str, max_depth: int = 32) -> JsonValue:
    """The value, or OutputRejected with one sentence.

    `name` is what the sentence calls the file.
    """
    if _depth(data) > max_depth:
        raise OutputRejected(f"{name} is nested deeper than {max_depth} levels", FIX)
    try:
        value: JsonValue = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_once,
            parse_int=_integer,
            parse_float=_finite,
            parse_constant=_constant,
        )
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise OutputRejected(f"{name} is not acceptable JSON: {error}"[:300], FIX) from error
    return value


def _depth(data: bytes) -> int:
    """The deepest nesting, counted before a recursive parser sees the text."""
    depth = deepest = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub(b"", data)):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _once(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return value


def _integer(text: str) -> int:
    if len(text) > DIGITS:
        raise ValueError(f"an integer has more than {DIGITS} digits")
    return int(text)


def _finite(text: str) -> float:
    value = float(text) if len(text) <= DIGITS else math.inf
    if not math.isfinite(value):
        raise ValueError(f"the number {text[:20]} is too long or not finite")
    return value


def _constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number")
