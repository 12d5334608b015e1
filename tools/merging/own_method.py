"""A merge method that a person or a mind wrote, as its file's text says; see `tools.own_code`."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sandbox.errors import BadInput
from sandbox.records import Seam
from tools.folder_digest import file_digest
from tools.kind import KINDS
from tools.own_code import Grammar, OwnCode, brought_code, literal
from tools.subject import Subject

METHOD = Grammar(
    noun=KINDS["merge_method"].noun,
    decorator=KINDS["merge_method"].decorator,
    node=ast.FunctionDef,
    allowed=(
        "__future__", "cmath", "collections", "dataclasses", "enum", "functools", "itertools",
        "math", "operator", "sandbox.errors", "tools.merging", "torch", "typing",
    ),
    built_in=Path(__file__).parent / "methods",
    see="see docs/own-methods.md",
)  # fmt: skip
HINTS = ("PerModel", "bool", "float")
_FLAGS = ("needs_base", "symmetric", "normalised", "selects")
_DEFAULTS = {"symmetric": True}
_MOST_MODELS = 64


@dataclass(frozen=True)
class OwnMethod(OwnCode):
    """What its file says of a merge method.

    parameters: its own, with their defaults. needs_base: it merges what the models learned since.
    """

    seam: ClassVar[Seam] = "merge_method"
    needs_base: bool
    most_models: int
    parameters: tuple[tuple[str, float | bool], ...] = ()


def brought_methods(subject: Subject) -> dict[str, OwnMethod]:
    """The merge methods that the subject brings, by name."""
    found = brought_code(subject).values()
    return {own.name: own for own in found if isinstance(own, OwnMethod)}


def read_own_method(path: Path) -> OwnMethod:
    """The method that a file declares, as its text says. Raises BadInput with one sentence."""
    name, function, call = METHOD.read(path)
    assert isinstance(function, ast.FunctionDef)
    flags = {flag: _flag(path, call, flag) for flag in _FLAGS}
    most = literal(path, call, "most_models", _MOST_MODELS)
    if isinstance(most, bool) or not isinstance(most, int) or not 2 <= most <= _MOST_MODELS:
        raise BadInput(f"{path.name}: most_models is {most!r}", f"give 2 to {_MOST_MODELS}")
    parameters = tuple(_parameters(path, function))
    return OwnMethod(name, path, file_digest(path), flags["needs_base"], most, parameters)


def _flag(path: Path, call: ast.Call, name: str) -> bool:
    value = literal(path, call, name, _DEFAULTS.get(name, False))
    if not isinstance(value, bool):
        raise BadInput(f"{path.name}: {name} is {value!r}", "write True or False")
    return value


def _parameters(path: Path, function: ast.FunctionDef) -> Iterator[tuple[str, float | bool]]:
    """After the parents: each with a type hint that says what it takes, and a plain default."""
    given = function.args
    named = [*given.posonlyargs, *given.args]
    if not named or given.vararg or given.kwarg or given.kwonlyargs or given.posonlyargs:
        raise BadInput(
            f"{path.name}: {function.name} must take the parents, and then parameters by name",
            f"write def {function.name}(parents: Parents, density: PerModel = 1.0) -> Tensor",
        )
    if len(given.defaults) != len(named) - 1:
        raise BadInput(
            f"{path.name}: a parameter of {function.name} has no default",
            "give every parameter after the parents one, and the parents none",
        )
    for argument, default in zip(named[1:], given.defaults, strict=True):
        hint = ast.unparse(argument.annotation) if argument.annotation else ""
        if hint not in HINTS:
            raise BadInput(
                f"{path.name}: {argument.arg} has the type hint {hint!r}",
                f"use one of {', '.join(HINTS)}",
            )
        yield argument.arg, _default(path, argument.arg, hint, default)


def _default(path: Path, name: str, hint: str, default: ast.expr) -> float | bool:
    try:
        value = ast.literal_eval(default)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        value = None
    fits = isinstance(value, bool) if hint == "bool" else _is_number(value)
    if not fits:
        raise BadInput(f"{path.name}: the default of {name} is no {hint}", "write it out")
    assert isinstance(value, bool | int | float)
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
