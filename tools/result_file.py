"""`result.json` as a job left it, read as hostile data: its schema, its measures, what it found."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import ValidationError

from sandbox.collect import read_json
from sandbox.errors import OutputRejected
from tools.architectures.architecture import Architecture
from tools.measures import wrong_measure
from tools.trial import TrialResult

_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")


def read_result(file: Path, most_bytes: int) -> TrialResult:
    """What the file says; answers are looked at elsewhere. Raises OutputRejected."""
    try:
        result = TrialResult.model_validate(read_json(file, most_bytes))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])[:80]
        raise OutputRejected(f"result.json: {where!r}: {first['msg'][:120]}") from error
    _check_measures(result)
    _check_found(result)
    return result


def _check_measures(result: TrialResult) -> None:
    for name, value in result.measures.items():
        if wrong := wrong_measure(name, value):
            raise OutputRejected(f"result.json: measures: {wrong}")


def _check_found(result: TrialResult) -> None:
    """An architecture of the grammar, with names and values that a paper can print."""
    if not result.found:
        return
    try:
        body = Architecture.model_validate(result.found)
    except ValidationError as error:
        raise OutputRejected("result.json: found is no architecture") from error
    chosen = [choice for layer in body.layers for choice in (layer.mixer, layer.channel) if choice]
    words = [choice.block for choice in chosen]
    for choice in chosen:
        for name, value in choice.parameters.items():
            words += [name, value] if isinstance(value, str) else [name]
            if not isinstance(value, str | bool | int | float):
                raise OutputRejected("result.json: found has a parameter that is no single value")
    if not all(_NAME.fullmatch(word) for word in words):
        raise OutputRejected("result.json: found has a name that no block or parameter has")
