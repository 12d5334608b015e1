"""Trained models with small weights or whole layers left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from sandbox.errors import BadInput
from tools.architectures.backbone import Backbone
from tools.architectures.layer_order import copied, with_layers
from tools.architectures.packing import Packing, pack, worth_packing

BITS = 8


class Sparse(Packing):
    """The weights that are left, and one bit for each place that says where they belong."""

    bits: Tensor

    def __init__(self, left: Tensor) -> None:
        """left: a mask of the weight's shape, true where it stays."""
        super().__init__()
        self.shape = left.shape
        flat = left.flatten().to(torch.uint8)
        padded = nn.functional.pad(flat, (0, -len(flat) % BITS)).view(-1, BITS)
        self.register_buffer("bits", (padded << _places(left)).sum(-1).to(torch.uint8))

    def mask(self) -> Tensor:
        """Where weights are left."""
        places = (self.bits[:, None] >> _places(self.bits)) & 1
        return places.flatten()[: self.shape.numel()].view(self.shape).bool()

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, ...]:
        """The weights that are left, in order."""
        return (weight[self.mask()],)

    def forward(self, kept: Tensor) -> Tensor:
        """The weight, zero where it was left out."""
        return kept.new_zeros(self.shape).masked_scatter(self.mask(), kept)


def pruned(model: Backbone, share: float, scope: Literal["matrix", "model"] = "matrix") -> Backbone:
    """A copy without the `share` of its weights that are smallest in magnitude (Han et al. 2015).

    scope: within each matrix, or over all of them (arXiv:1506.02626). Embeddings, norms, biases and
    matrices of short rows stay whole. Those that are left can be trained further; products are
    computed with the zeros, so what is saved is memory and not time. Raises BadInput for a share
    that is none.
    """
    if not 0 <= share < 1:
        raise BadInput(f"a share of {share:g} to leave out", "give a number from 0 to below 1")
    other = copied(model)
    looked_up = {id(m.weight) for m in other.modules() if isinstance(m, nn.Embedding)}
    matrices = [
        p for p in other.parameters() if worth_packing(p.detach()) and id(p) not in looked_up
    ]
    floor = _floor(torch.cat([p.detach().flatten() for p in matrices]), share)

    def sparse(weight: Tensor, users: Sequence[nn.Module]) -> Packing | None:
        if not worth_packing(weight) or any(isinstance(user, nn.Embedding) for user in users):
            return None
        least = floor if scope == "model" else _floor(weight, share)
        return Sparse(weight.abs() > least)

    pack(other, sparse)
    return other


def influence(model: Backbone, tokens: Tensor) -> list[float]:
    """How much each layer turns the stream: 1 - cosine of what goes in and out, on average.

    tokens: (B, T). With loops, over all passes. Source: Men et al. 2024, arXiv:2403.03853.
    """
    turns: list[list[float]] = [[] for _ in model.layers]

    def watch(number: int) -> object:
        def note(layer: nn.Module, given: tuple[Tensor], out: Tensor) -> None:
            cosine = nn.functional.cosine_similarity(given[0], out, dim=-1)
            turns[number].append(1 - float(cosine.mean()))

        return model.layers[number].register_forward_hook(note)

    hooks = [watch(number) for number in range(len(turns))]
    with torch.no_grad():
        model(tokens)
    for hook in hooks:
        hook.remove()  # type: ignore[attr-defined]
    return [sum(found) / len(found) for found in turns]


def shallower(model: Backbone, dropped: int, tokens: Tensor) -> tuple[Backbone, tuple[int, ...]]:
    """A copy without the `dropped` layers of least influence on these tokens; the layers it kept.

    Raises BadInput when no layer would be left.
    """
    count = len(model.layers)
    if not 0 <= dropped < count:
        raise BadInput(f"{dropped} of {count} layers to leave out", "leave at least one layer")
    turns = influence(model, tokens)
    least = sorted(range(count), key=lambda number: turns[number])[:dropped]
    order = tuple(number for number in range(count) if number not in least)
    return with_layers(model, order), order


def _floor(weights: Tensor, share: float) -> float:
    """The largest magnitude that is left out; -1 for none."""
    count = round(share * weights.numel())
    return float(weights.abs().flatten().kthvalue(count).values) if count else -1.0


def _places(like: Tensor) -> Tensor:
    return torch.arange(BITS, dtype=torch.uint8, device=like.device)
