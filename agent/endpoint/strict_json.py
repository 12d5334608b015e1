"""JSON as it is defined: no NaN, no doubled field, no half characters, nothing deep without end."""

from __future__ import annotations

import json
from collections import Counter

MOST_DEPTH = 64


def strict_json(text: str) -> object:
    """The value of a text that an untrusted hand wrote. Raises ValueError with one sentence."""
    try:
        value: object = json.loads(
            text, parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_single
        )
    except json.JSONDecodeError as error:
        near = " ".join(text[max(0, error.pos - 20) : error.pos + 20].split())
        raise ValueError(
            f"it is not JSON: {error.msg}, line {error.lineno}, near `{near}`"
        ) from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if _deeper(value, MOST_DEPTH):
        raise ValueError("it is nested too deeply")
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("it holds half a character") from None
    return value


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not a number of JSON")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"the number {text[:20]} is too large")
    return number


def _single(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"the field {twice[:40]!r} stands twice in one object")
    return fields


def _deeper(value: object, most: int) -> bool:
    """Whether lists and objects stand in one another more than so many deep."""
    level = [value]
    for _ in range(most):
        level = [part for outer in level for part in _parts(outer) if _parts(part)]
        if not level:
            return False
    return True


def _parts(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
