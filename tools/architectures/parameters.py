"""Parameters of what is declared by name, as its signature has them: filled in, and checked."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping

from pydantic import ConfigDict, JsonValue, TypeAdapter, ValidationError

from sandbox.errors import BadInput


def parameters_of(maker: Callable[..., object]) -> dict[str, inspect.Parameter]:
    """By name, with defaults and with their types resolved."""
    return dict(_signature(maker).parameters)


@functools.cache
def _signature(maker: Callable[..., object]) -> inspect.Signature:
    return inspect.signature(maker, eval_str=True)


def filled(
    name: str, known: Mapping[str, inspect.Parameter], given: Mapping[str, JsonValue]
) -> dict[str, JsonValue]:
    """All values, defaults where none is given. name: whose they are.

    Raises BadInput for one that is unknown or of another type; a whole number is a float too.
    """
    for each in given:
        if each not in known:
            names = ", ".join(known) or "none"
            raise BadInput(f"{name}: unknown parameter {each!r}", f"known: {names}")
    values = {each: given.get(each, parameter.default) for each, parameter in known.items()}
    for each, value in values.items():
        try:
            _type(known[each].annotation).validate_python(value)
        except ValidationError as wrong:
            raise BadInput(f"{name}: {each}: {value!r}", wrong.errors()[0]["msg"]) from wrong
    return values


@functools.cache
def _type(hint: type[object]) -> TypeAdapter[object]:
    return TypeAdapter(hint, config=ConfigDict(strict=True))
