"""A block: what mixes positions (or features) in one layer. Declared once, found by folder.

To add one, write `tools/architectures/blocks/x.py`:

    @block("x", source="arXiv:2406.06484", mixes="sequence", reference=plain_x)
    class X(nn.Module):
        def __init__(self, width: int, heads: int = 4) -> None: ...
        def forward(self, x: Tensor) -> Tensor: ...              # (B, T, width) -> (B, T, width)
        def start(self, batch: int) -> State: ...                # of a block that can decode
        def step(self, x: Tensor, state: State) -> tuple[Tensor, State]: ...   # x: (B, width)

The type hints of `__init__` after `width` are its parameters: int, float, bool, or a Literal of
texts, each with a default. A block that cannot use a value raises BadInput when it is made.
`reference(block, x)` computes the same from the block's own weights in the plainest way (loops over
positions, no chunks, no scans).

A channel mixer treats every position alike and needs neither `start` nor `step`. One with a loss of
its own (the balance of a mixture of experts) leaves it in `self.auxiliary` at each forward pass.
Gains and biases of several dimensions, which weight decay must spare, are named in `undecayed`. A
block whose `step` also reads a chunk (B, n, width) at once says `chunks = True`: prompts are then
taken in by one pass, not token by token.
"""

from __future__ import annotations

import functools
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

from sandbox.errors import BadInput, UnknownName
from tools.architectures.parameters import filled, parameters_of

if TYPE_CHECKING:
    from torch import Tensor, nn

State: TypeAlias = "dict[str, Tensor]"
"""What a block remembers between two positions of decoding; its bytes are what a cache costs."""
Mixes: TypeAlias = Literal["sequence", "channel"]
Reference: TypeAlias = "Callable[[nn.Module, Tensor], Tensor]"
Maker = TypeVar("Maker", bound="type[nn.Module]")
_blocks = catalogue.create("hanji", "blocks", entry_points=True)
_declared: dict[str, Block] = {}
"""Those of this process, for quick look-ups: a search asks for blocks thousands of times."""


@runtime_checkable
class Decoder(Protocol):
    """A causal sequence mixer that also runs one position at a time."""

    def start(self, batch: int) -> State:
        """The state before the first position."""
        ...

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """One position, x: (B, width), and the state after it."""
        ...


@dataclass(frozen=True)
class Block:
    """A declared block. causal: no output depends on a later position.

    constant_state: the state does not grow with the positions seen.
    """

    name: str
    source: str
    summary: str
    mixes: Mixes
    causal: bool
    constant_state: bool
    maker: type[nn.Module]
    reference: Reference

    @property
    def parameters(self) -> dict[str, inspect.Parameter]:
        """Its own parameters, by name, with their defaults."""
        return dict(list(parameters_of(self.maker).items())[1:])

    @property
    def decodes(self) -> bool:
        """Whether it can run one position at a time. A channel mixer always can."""
        return self.mixes == "channel" or hasattr(self.maker, "step")

    def check(self, given: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        """All parameters, defaults filled in. Raises BadInput naming the one that does not fit."""
        return filled(self.name, self.parameters, given)

    def make(self, width: int, given: Mapping[str, JsonValue]) -> nn.Module:
        """The module, with weights drawn from torch's generator. Raises BadInput."""
        made: nn.Module = self.maker(width, **self.check(given))
        return made


def decoder_of(module: nn.Module) -> Decoder:
    """The module as what runs one position at a time. Raises BadInput when it cannot."""
    if not isinstance(module, Decoder):
        kind = type(module).__name__
        raise BadInput(f"{kind} cannot decode", "use a block that has `start` and `step`")
    return module


def block(
    name: str,
    *,
    source: str,
    reference: Reference,
    mixes: Mixes = "sequence",
    causal: bool = True,
    constant_state: bool = True,
) -> Callable[[Maker], Maker]:
    """Declare a block. The first line of its docstring is the summary that people read."""

    def declare(maker: Maker) -> Maker:
        summary = " ".join((inspect.getdoc(maker) or "").split("\n\n")[0].split())
        made = Block(name, source, summary, mixes, causal, constant_state, maker, reference)
        _blocks.register(name, func=made)
        _declared[name] = made
        return maker

    return declare


def all_blocks() -> dict[str, Block]:
    """Every block of tools/architectures/blocks/ and of entry points, by name."""
    _import_folder()
    return dict(sorted(_blocks.get_all().items()))


def find_block(name: str) -> Block:
    """The block of that name. Raises UnknownName with the known ones."""
    _import_folder()
    if name in _declared:
        return _declared[name]
    known = all_blocks()
    if name not in known:
        raise UnknownName("block", name, list(known))
    return known[name]


@functools.cache
def _import_folder() -> None:
    package = importlib.import_module("tools.architectures.blocks")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"tools.architectures.blocks.{module.name}")
