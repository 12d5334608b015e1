"""Bring an architecture to a given size, so that two of them can be compared fairly."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, Literal, TypeAlias, TypeVar

from pydantic import JsonValue
from torch import nn

from sandbox.errors import BadInput
from tools.architectures.adapter import built
from tools.architectures.architecture import EXPANSION, Architecture, Choice, Layer
from tools.architectures.backbone import Backbone
from tools.architectures.block import find_block
from tools.architectures.bracket import bracket
from tools.architectures.counts import active_parameters, flops_per_token, parameters, state_size
from tools.architectures.foreign import Candidate
from tools.architectures.new_backbone import drawn, new_backbone
from tools.architectures.ticks import Ticks

Quantity: TypeAlias = Literal["parameters", "active", "state", "flops"]
Knob: TypeAlias = Literal["width", "expansion", "both"]
Kind = TypeVar("Kind", Architecture, Ticks)
TOLERANCE = 0.05
NARROWEST, WIDEST = 4, 4096
SMALLEST, LARGEST = 0.05, 32.0
_HALVINGS = 24


@dataclass(frozen=True)
class Matched(Generic[Kind]):
    """An architecture of the wanted size. target, reached: in the quantity's own unit."""

    architecture: Kind
    quantity: Quantity
    target: float
    reached: float

    @property
    def error(self) -> float:
        """Relative distance from the target, signed."""
        return self.reached / self.target - 1.0

    @property
    def sentence(self) -> str:
        """What was matched, for people."""
        return f"{self.quantity}: {self.reached:g} of {self.target:g} ({self.error:+.1%})"


@dataclass(frozen=True)
class Ruler:
    """Measures a quantity of architectures for inputs of one kind. length: positions."""

    quantity: Quantity
    vocabulary: int
    length: int
    outputs: int = 0

    def measure(self, candidate: Candidate) -> float:
        """Parameters, those active at a token, floats of the state after `length`, or FLOPs."""
        model = drawn(lambda: built(candidate, self.vocabulary, self.outputs, self.length), 0)
        return _QUANTITIES[self.quantity](model, self.length)


def match(
    architecture: Architecture,
    ruler: Ruler,
    target: float,
    knob: Knob | None = None,
    tolerance: float = TOLERANCE,
) -> Matched[Architecture]:
    """Change the width or the channel mixers' expansion until the quantity is the target's.

    knob: what may change; by default the expansion where the channel mixers have one and it
    matters to the quantity, else the width. `both` tries the widths nearest to the architecture's
    own, each with its best expansion. Raises BadInput with the nearest that was reached.
    """
    check_target(target)
    chosen = knob or ("expansion" if _expands(architecture, ruler.quantity) else "width")
    tried = _CANDIDATES[chosen](architecture, ruler, target, tolerance)
    found = nearest(tried, ruler, target)
    if found is None or abs(found.error) > tolerance:
        reached = found.sentence if found is not None else "no width fits its blocks"
        raise BadInput(
            f"no {chosen} brings the architecture within {tolerance:.0%} of {target:g} "
            f"{ruler.quantity}; nearest: {reached}",
            "choose another target, or let width and expansion change (`both`)",
        )
    return found


def check_target(target: float) -> None:
    """Raise BadInput for a size that nothing can have."""
    if not target > 0 or not math.isfinite(target):
        raise BadInput(f"the size to match is {target}", "give a positive number")


def nearest(tried: Iterable[Kind], ruler: Ruler, target: float) -> Matched[Kind] | None:
    """The candidate nearest to the target, None without any."""
    found = (Matched(one, ruler.quantity, target, ruler.measure(one)) for one in tried)
    return min(found, key=lambda matched: abs(matched.error), default=None)


def _widths(
    architecture: Architecture, ruler: Ruler, target: float, tolerance: float
) -> Iterator[Architecture]:
    """The two feasible widths around the target; the quantity grows with the width."""
    low, high = _bracket(architecture, ruler, target)
    for width in (low, high):
        if width >= NARROWEST:
            yield with_width(architecture, width)


def _bracket(architecture: Architecture, ruler: Ruler, target: float) -> tuple[int, int]:
    """Feasible widths next to the target, below and above it; 0 where there is none."""
    step = _step(architecture)

    def reached(steps: int) -> float:
        return ruler.measure(with_width(architecture, steps * step))

    low, high = bracket(reached, target, WIDEST // step)
    return low * step, high * step


def _step(architecture: Architecture) -> int:
    """The smallest width of which all multiples fit the blocks. Raises BadInput for none."""
    for step in range(1, WIDEST // 8):
        if all(_fits(architecture, k * step) for k in (4, 5, 6, 7)):
            return step
    raise BadInput("no width fits the architecture's blocks", "check their heads")


def _fits(architecture: Architecture, width: int) -> bool:
    try:
        _model(with_width(architecture, width))
    except BadInput:
        return False
    return True


def _model(architecture: Architecture) -> Backbone:
    return new_backbone(architecture, vocabulary=4)


def _expansions(
    architecture: Architecture, ruler: Ruler, target: float, tolerance: float
) -> Iterator[Architecture]:
    """The expansion at which the quantity passes the target."""
    if not _expands(architecture, "parameters"):
        yield architecture
        return
    low, high = SMALLEST, LARGEST
    for end, beyond in ((low, 1), (high, -1)):
        extreme = with_expansion(architecture, end)
        if beyond * (ruler.measure(extreme) - target) >= 0:
            yield extreme
            return
    for _ in range(_HALVINGS):
        middle = math.sqrt(low * high)
        reached = ruler.measure(with_expansion(architecture, middle))
        if reached < target:
            low = middle
        else:
            high = middle
        if abs(reached / target - 1.0) <= tolerance / 10:
            break
    for expansion in (middle, low, high):
        yield with_expansion(architecture, round(expansion, 4))


def _both(
    architecture: Architecture, ruler: Ruler, target: float, tolerance: float
) -> Iterator[Architecture]:
    """Widths from the own outwards, each with its best expansion, until one fits."""
    step = _step(architecture)
    widths = sorted(
        range(step, 2 * architecture.width + step, step), key=lambda w: abs(w - architecture.width)
    )
    for width in (width for width in widths if width >= NARROWEST):
        for candidate in _expansions(with_width(architecture, width), ruler, target, tolerance):
            yield candidate
            if abs(ruler.measure(candidate) / target - 1.0) <= tolerance:
                return


def with_width(architecture: Architecture, width: int) -> Architecture:
    """The same with another width."""
    return architecture.model_copy(update={"width": width})


def with_expansion(architecture: Architecture, expansion: float) -> Architecture:
    """The same with this expansion in every channel mixer that has one."""

    def changed(layer: Layer) -> Layer:
        if layer.channel is None or not _has_expansion(layer.channel):
            return layer
        given: Mapping[str, JsonValue] = layer.channel.parameters
        channel = Choice(block=layer.channel.block, parameters={**given, EXPANSION: expansion})
        return layer.model_copy(update={"channel": channel})

    layers = tuple(changed(layer) for layer in architecture.layers)
    return architecture.model_copy(update={"layers": layers})


def _expands(architecture: Architecture, quantity: Quantity) -> bool:
    channels = [layer.channel for layer in architecture.layers if layer.channel is not None]
    return quantity != "state" and any(_has_expansion(channel) for channel in channels)


def _has_expansion(channel: Choice) -> bool:
    return EXPANSION in find_block(channel.block).parameters


_QUANTITIES: Mapping[Quantity, Callable[[nn.Module, int], float]] = {
    "parameters": lambda model, length: float(parameters(model)),
    "active": lambda model, length: float(active_parameters(model)),
    "state": lambda model, length: float(state_size(model, length).floats),
    "flops": flops_per_token,
}
_CANDIDATES: Mapping[
    Knob, Callable[[Architecture, Ruler, float, float], Iterator[Architecture]]
] = {"width": _widths, "expansion": _expansions, "both": _both}
