"""Depth up-scaling: a deeper model from a trained one, and the compute that both stages share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from sandbox.errors import BadInput
from tools.architectures.architecture import Architecture
from tools.architectures.backbone import Backbone
from tools.architectures.checkpoint import load, save
from tools.architectures.layer_order import reordered, with_layers

Scheme: TypeAlias = Literal["seam", "stack", "repeat"]


@dataclass(frozen=True)
class Upscaling:
    """Which layers a deeper model is made of.

    scheme: `seam` puts two copies on each other and leaves out, where they meet, the last `dropped`
    layers of the lower and the first `dropped` of the upper, as SOLAR does (Kim et al. 2023,
    arXiv:2312.15166: 32 layers with 8 dropped become 48); `stack` puts `copies` whole ones on each
    other (Du et al. 2024, arXiv:2405.15319); `repeat` puts `copies` of each layer in its place.
    """

    scheme: Scheme = "seam"
    dropped: int = 0
    copies: int = 2

    def order(self, depth: int) -> tuple[int, ...]:
        """The map: which layer of a model of `depth`, from 0, each layer of the new one copies.

        Raises BadInput when nothing would be deeper.
        """
        order = _ORDERS[self.scheme](self, depth)
        if len(order) <= depth:
            raise BadInput(
                f"{self.scheme} makes {len(order)} layers of {depth}",
                f"drop fewer than half of the {depth} layers, or take two copies or more",
            )
        return order

    def architecture(self, shallow: Architecture) -> Architecture:
        """What a model of the shallow architecture becomes."""
        return reordered(shallow, self.order(len(shallow.layers)))


def upscaled(model: Backbone, upscaling: Upscaling) -> Backbone:
    """A deeper model with copies of the layers; all that is not a layer is copied once."""
    return with_layers(model, upscaling.order(len(model.layers)))


def upscaled_folder(source: Path, target: Path, upscaling: Upscaling) -> tuple[int, ...]:
    """Make a deeper checkpoint from a trained one; the layer map. Raises BadInput."""
    model = load(source)
    save(upscaled(model, upscaling), target)
    return upscaling.order(len(model.layers))


@dataclass(frozen=True)
class Split:
    """How one budget of operations is spent: steps of the shallow model, then of the deep one.

    flops: of both stages together. budget: of the deep model trained from scratch.
    """

    shallow_steps: int
    deep_steps: int
    flops: float
    budget: float

    @property
    def error(self) -> float:
        """Relative distance from the budget, signed; at most half a step of the deep model."""
        return self.flops / self.budget - 1.0


def split_budget(steps: int, share: float, shallow_flops: float, deep_flops: float) -> Split:
    """Spend what `steps` of the deep model cost: `share` of it on the shallow model.

    shallow_flops, deep_flops: of one step, forward and backward. Raises BadInput when a stage would
    get no step.
    """
    budget = steps * deep_flops
    first = round(share * budget / shallow_flops)
    second = round((budget - first * shallow_flops) / deep_flops)
    if first < 1 or second < 1:
        raise BadInput(
            f"{share:g} of {steps} steps leaves {first} for the shallow and {second} for the deep "
            "model",
            "give both stages at least one step",
        )
    return Split(first, second, first * shallow_flops + second * deep_flops, budget)


def _seam(upscaling: Upscaling, depth: int) -> tuple[int, ...]:
    return (*range(depth - upscaling.dropped), *range(upscaling.dropped, depth))


def _stack(upscaling: Upscaling, depth: int) -> tuple[int, ...]:
    return tuple(range(depth)) * upscaling.copies


def _repeat(upscaling: Upscaling, depth: int) -> tuple[int, ...]:
    return tuple(number for number in range(depth) for _ in range(upscaling.copies))


_ORDERS: Mapping[Scheme, Callable[[Upscaling, int], tuple[int, ...]]] = {
    "seam": _seam,
    "stack": _stack,
    "repeat": _repeat,
}
