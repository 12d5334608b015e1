"""A training objective: what a model is taught, what its text costs in bits, how it writes.

To add one, write `tools/architectures/objectives/x.py`:

    @objective("x", source="arXiv:2502.09992", likelihood="bound")
    class X:
        def __init__(self, rate: float = 0.5) -> None: ...
        def model(self, architecture, vocabulary, outputs=0) -> nn.Module: ...
        def loss(self, model, tokens, targets, draw) -> Tensor: ...
        def bits(self, model, tokens, targets, draw) -> Tensor: ...
        def read(self, model, prompt) -> Reading: ...
        def write(self, model, reading, length, draw, how) -> Generated: ...

The type hints of `__init__` are its parameters, each with a default, as a block's are. What it
makes is an `Aim`; `tools.architectures.objective_laws` holds every aim to the same laws.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import (
    TYPE_CHECKING,
    Literal,
    Protocol,
    TypeAlias,
    TypeVar,
    runtime_checkable,
)

import catalogue
from pydantic import JsonValue

from sandbox.errors import UnknownName
from tools.architectures.parameters import filled, parameters_of

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from tools.architectures.architecture import Architecture
    from tools.architectures.decode import Generated, Reading, Sampling
    from tools.architectures.foreign import Foreign

Likelihood: TypeAlias = Literal["exact", "bound"]
_objectives = catalogue.create("hanji", "objectives", entry_points=True)


class Aim(Protocol):
    """An objective with its parameters. tokens, targets: (B, T) int64; -100 asks for nothing.

    Targets say what should follow at each position. An aim that learns the tokens themselves
    (diffusion) reads them as the text's next tokens, and with nothing asked learns every token.
    """

    def model(self, architecture: Architecture, vocabulary: int, outputs: int = 0) -> nn.Module:
        """A model that can be taught so, its attention turned where needed. Raises BadInput."""
        ...

    def loss(
        self, model: nn.Module, tokens: Tensor, targets: Tensor, draw: torch.Generator
    ) -> Tensor:
        """A scalar to descend, nats per asked position; blocks' own losses are not in it."""
        ...

    def bits(
        self, model: nn.Module, tokens: Tensor, targets: Tensor, draw: torch.Generator
    ) -> Tensor:
        """Bits per asked position, averaged: exact, or an upper bound's estimate without bias."""
        ...

    def read(self, model: nn.Module, prompt: Tensor) -> Reading:
        """Take in a prompt (B, P), P at least 1."""
        ...

    def write(
        self,
        model: nn.Module,
        reading: Reading,
        length: int,
        draw: torch.Generator,
        how: Sampling,
    ) -> Generated:
        """`length` tokens after what was read."""
        ...


@runtime_checkable
class TeachesForeign(Protocol):
    """An aim that can also teach models of the transformers library."""

    def foreign(self, candidate: Foreign, vocabulary: int, outputs: int = 0) -> nn.Module:
        """The model to be taught, untrained. Raises BadInput, UnknownName."""
        ...


Maker = TypeVar("Maker", bound="Callable[..., Aim]")


@dataclass(frozen=True)
class Objective:
    """A declared objective. likelihood: what `bits` is. teachers: whether its aims need some."""

    name: str
    source: str
    summary: str
    likelihood: Likelihood
    teachers: bool
    maker: Callable[..., Aim]

    @property
    def parameters(self) -> dict[str, inspect.Parameter]:
        """Its parameters, by name, with their defaults."""
        return parameters_of(self.maker)

    def check(self, given: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        """All parameters, defaults filled in. Raises BadInput naming the one that does not fit."""
        return filled(self.name, self.parameters, given)

    def make(self, given: Mapping[str, JsonValue] | None = None) -> Aim:
        """The aim. Raises BadInput."""
        return self.maker(**self.check(given or {}))


def objective(
    name: str, *, source: str, likelihood: Likelihood, teachers: bool = False
) -> Callable[[Maker], Maker]:
    """Declare an objective. The first line of its docstring is the summary that people read."""

    def declare(maker: Maker) -> Maker:
        summary = " ".join((inspect.getdoc(maker) or "").split("\n\n")[0].split())
        made = Objective(name, source, summary, likelihood, teachers, maker)
        _objectives.register(name, func=made)
        return maker

    return declare


def all_objectives() -> dict[str, Objective]:
    """Every objective of tools/architectures/objectives/ and of entry points, by name."""
    package = importlib.import_module("tools.architectures.objectives")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"tools.architectures.objectives.{module.name}")
    return dict(sorted(_objectives.get_all().items()))


def find_objective(name: str) -> Objective:
    """The objective of that name. Raises UnknownName with the known ones."""
    known = all_objectives()
    if name not in known:
        raise UnknownName("objective", name, list(known))
    return known[name]
