"""What a mind may call: typed actions, declared once, found by folder."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import (
    Any,
    Literal,
    NamedTuple,
    Protocol,
    TypeVar,
    get_type_hints,
    runtime_checkable,
)

import catalogue
from pydantic import BaseModel, JsonValue, ValidationError

from sandbox.errors import BadInput, UnknownName
from sandbox.policy import Policy
from sandbox.records import Seam
from tools.answer import Answer

Function = TypeVar("Function", bound=Callable[..., BaseModel])
_tools = catalogue.create("hanji", "tools", entry_points=True)


@runtime_checkable
class ReadsModels(Protocol):
    """Arguments of a call that reads checkpoints."""

    def needs(self) -> tuple[str, ...]:
        """The roles whose checkpoints the call reads."""
        ...


class NamedCode(NamedTuple):
    """A file that is not of this project, by what it declares. digest: SHA-256 of the file."""

    seam: Seam
    name: str
    digest: str


def of_kind(seam: Seam, files: Mapping[str, str]) -> tuple[NamedCode, ...]:
    """Files of one kind. files: name of what each declares -> its SHA-256."""
    return tuple(NamedCode(seam, name, digest) for name, digest in files.items())


@runtime_checkable
class RunsCode(Protocol):
    """Arguments of a call that runs files which are not of this project."""

    def code(self) -> tuple[NamedCode, ...]:
        """Each file, once."""
        ...


@runtime_checkable
class ReadsDraws(Protocol):
    """Arguments of a call about tasks that files draw which are not of this project."""

    def drawn(self) -> tuple[NamedCode, ...]:
        """Each such file; the call reads what it drew, and does not run it."""
        ...


@runtime_checkable
class StandsFor(Protocol):
    """Arguments of a call that may be one of the permanent baselines."""

    def stands_for(self) -> str:
        """One of the names in tools/baselines.py, or nothing."""
        ...


@runtime_checkable
class TellsCost(Protocol):
    """Arguments that decide what the call costs."""

    def cost_s(self) -> float:
        """CPU seconds of one call, before anything is measured."""
        ...


@dataclass(frozen=True)
class Tool:
    """A declared action.

    place: `sandbox`: function(arguments, bench: Bench) -> TrialResult runs inside a job. `desk`:
    function(arguments, desk: Desk) -> a pydantic model runs on the trusted side, reads only, and
    runs no code of a mind. `lab`: the agent's own, which may have code tried and pilots run; see
    agent/lab_tools.py. cpu_s: what one call costs on the built-in miniature, as a first
    estimate before anything is measured, where the arguments do not tell. policy: limits of its
    jobs when those derived from that cost do not fit. answer: how another job answers for it; None
    where its own does. keeps: whether its jobs keep trainings, from which an interrupted one goes
    on.
    """

    name: str
    summary: str
    place: Literal["sandbox", "desk", "lab"]
    cpu_s: float
    arguments: type[BaseModel]
    function: Callable[..., BaseModel]
    policy: Policy | None = None
    answer: Answer | None = None
    keeps: bool = False

    def check(self, arguments: dict[str, JsonValue]) -> BaseModel:
        """The arguments, parsed. Raises BadInput with one sentence naming the field."""
        try:
            return self.arguments.model_validate(arguments)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "arguments"
            raise BadInput(
                f"{self.name}: {where}: {first['msg']}",
                f"fields: {', '.join(self.arguments.model_fields)}",
            ) from error

    def normal(self, arguments: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """The arguments with every default filled in. Raises BadInput."""
        return self.check(arguments).model_dump(mode="json")

    def needs(self, arguments: dict[str, JsonValue]) -> tuple[str, ...]:
        """The roles whose checkpoints this call reads, each once."""
        call = self.check(arguments)
        return tuple(dict.fromkeys(call.needs())) if isinstance(call, ReadsModels) else ()

    def code(self, arguments: dict[str, JsonValue]) -> tuple[NamedCode, ...]:
        """The files this call brings along."""
        call = self.check(arguments)
        return call.code() if isinstance(call, RunsCode) else ()

    def drawn(self, arguments: dict[str, JsonValue]) -> tuple[NamedCode, ...]:
        """The files that drew what this call reads."""
        call = self.check(arguments)
        return call.drawn() if isinstance(call, ReadsDraws) else ()

    def stands_for(self, arguments: dict[str, JsonValue]) -> str:
        """Which permanent baseline or search this call is, empty for none."""
        call = self.check(arguments)
        return call.stands_for() if isinstance(call, StandsFor) else ""

    def cost_s(self, arguments: dict[str, JsonValue]) -> float:
        """CPU seconds that this call will probably take."""
        call = self.check(arguments)
        return call.cost_s() if isinstance(call, TellsCost) else self.cpu_s

    def schema(self) -> dict[str, Any]:
        """The function schema that language-model servers expect."""
        parameters = self.arguments.model_json_schema()
        return {
            "type": "function",
            "function": {"name": self.name, "description": self.summary, "parameters": parameters},
        }


def tool(
    name: str,
    *,
    place: Literal["sandbox", "desk"],
    cpu_s: float = 0.0,
    policy: Policy | None = None,
    answer: Answer | None = None,
    keeps: bool = False,
) -> Callable[[Function], Function]:
    """Declare a tool: its first parameter's type is its arguments, its docstring its summary."""

    def declare(function: Function) -> Function:
        first = next(iter(inspect.signature(function).parameters))
        summary = " ".join((inspect.getdoc(function) or "").split("\n\n")[0].split())
        arguments = get_type_hints(function)[first]
        declared = Tool(name, summary, place, cpu_s, arguments, function, policy, answer, keeps)
        _tools.register(name, func=declared)
        return function

    return declare


def find_tool(name: str) -> Tool:
    """The tool of that name. Raises UnknownName with the known ones."""
    known = all_tools()
    if name not in known:
        raise UnknownName("tool", name, list(known))
    return known[name]


def all_tools() -> dict[str, Tool]:
    """Every tool of tools/actions/ and of entry points, by name."""
    import tools.actions

    for module in pkgutil.iter_modules(tools.actions.__path__):
        importlib.import_module(f"tools.actions.{module.name}")
    return dict(sorted(_tools.get_all().items()))
