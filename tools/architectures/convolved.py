"""What a recurrent mixer makes of its input: projections, shortly convolved, then SiLU."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from sandbox.errors import BadInput
from tools.architectures.block import State
from tools.architectures.blocks.short_convolution import ShortConvolution

PAST = "past"


class Convolved(nn.Module):
    """A causal convolution of each projected feature before SiLU, as Mamba and DeltaNet have it.

    kernel: positions that it reads, 0 for SiLU alone.
    """

    def __init__(self, block: str, features: int, kernel: int) -> None:
        super().__init__()
        if kernel < 0:
            raise BadInput(f"{block}: convolution: {kernel} is below 0", "use 0 for none, or 4")
        self.short = ShortConvolution(features, kernel) if kernel else None

    def forward(self, parts: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Each part (B, T, *) -> the same shape; together they have `features` features."""
        if self.short is None:
            return tuple(nnf.silu(part) for part in parts)
        return self._split(self.short(torch.cat(tuple(parts), -1)), parts)

    def start(self, batch: int) -> State:
        """The past of the convolution."""
        return {PAST: self.short.start(batch)["past"]} if self.short is not None else {}

    def step(self, parts: Sequence[Tensor], state: State) -> tuple[tuple[Tensor, ...], State]:
        """Each part (B, *), of one position, or (B, n, *) of a chunk."""
        if self.short is None:
            return self(parts), {}
        mixed, after = self.short.step(torch.cat(tuple(parts), -1), {"past": state[PAST]})
        return self._split(mixed, parts), {PAST: after["past"]}

    def _split(self, mixed: Tensor, parts: Sequence[Tensor]) -> tuple[Tensor, ...]:
        return torch.split(mixed, [part.shape[-1] for part in parts], -1)
