"""DeltaNet: linear attention that replaces what a key held instead of adding to it."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from sandbox.errors import BadInput
from tools.architectures.block import State, block
from tools.architectures.chunked import chunked_delta
from tools.architectures.convolved import Convolved
from tools.architectures.heads import join_heads, size_of_heads, split_heads
from tools.architectures.norms import EPS, RMSNorm
from tools.architectures.recurrences import delta_step, unrolled


def plain_delta_net(module: nn.Module, x: Tensor) -> Tensor:
    """The rule at one position after the other."""
    assert isinstance(module, DeltaNet)
    query, key, value, rate = module.project(x)
    mixed, _ = unrolled(
        delta_step, module.start(len(x))["memory"], query, key, value, rate, torch.zeros_like(rate)
    )
    mixed = mixed / (mixed.square().mean(-1, keepdim=True) + EPS).sqrt() * module.norm.gain
    return join_heads(mixed) @ module.out.weight.T


@block("delta_net", source="arXiv:2406.06484", reference=plain_delta_net)
class DeltaNet(nn.Module):
    """DeltaNet (Yang et al. 2024): keys of unit length, each write a step of online regression.

    keys: features of a head's queries and keys, 0 for as many as its values; they set the state's
    size. negative: rates up to 2 instead of 1, so that a write can flip the sign of what a key held
    (Grazzi et al. 2024, arXiv:2411.12537), which parity needs. convolution: positions that the
    short convolution of queries, keys and values reads, 0 for none.
    """

    chunks: ClassVar[bool] = True

    def __init__(
        self,
        width: int,
        heads: int = 4,
        keys: int = 0,
        negative: bool = False,
        convolution: int = 4,
    ) -> None:
        super().__init__()
        self.size = size_of_heads("delta_net", width, heads)
        if keys < 0:
            raise BadInput(f"delta_net: keys: {keys} is below 0", "use 0 for the values' size")
        self.heads, self.keys, self.negative = heads, keys or self.size, negative
        self.query = nn.Linear(width, heads * self.keys, bias=False)
        self.key = nn.Linear(width, heads * self.keys, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.convolved = Convolved("delta_net", 2 * heads * self.keys + width, convolution)
        self.rate = nn.Linear(width, heads, bias=False)
        self.norm = RMSNorm(self.size)
        self.out = nn.Linear(width, width, bias=False)

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Queries and keys (B, heads, T, keys), values (B, heads, T, d), rates (B, heads, T)."""
        return self._ruled(x, self.convolved(self._projected(x)))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) -> (B, T, width)."""
        query, key, value, rate = self.project(x)
        mixed, _ = chunked_delta(query, key, value, rate, torch.zeros_like(rate))
        joined: Tensor = self.out(join_heads(self.norm(mixed)))
        return joined

    def start(self, batch: int) -> State:
        """A matrix of zeros a head."""
        shape = (batch, self.heads, self.keys, self.size)
        return {"memory": self.query.weight.new_zeros(shape), **self.convolved.start(batch)}

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """(B, width) or a chunk (B, n, width) -> the same."""
        parts, past = self.convolved.step(self._projected(x), state)
        if x.dim() == 3:
            query, key, value, rate = self._ruled(x, parts)
            still = torch.zeros_like(rate)
            mixed, memory = chunked_delta(query, key, value, rate, still, state=state["memory"])
            return self.out(join_heads(self.norm(mixed))), {"memory": memory, **past}
        query, key, value = (part.view(len(x), self.heads, -1) for part in parts)
        rate = self._rate(x)
        mixed, memory = delta_step(
            state["memory"], unit(query), unit(key), value, rate, torch.zeros_like(rate)
        )
        return self.out(self.norm(mixed).flatten(1)), {"memory": memory, **past}

    def _ruled(self, x: Tensor, parts: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What the rule needs, from the convolved projections of x: (B, T, width)."""
        query, key, value = (split_heads(part, self.heads) for part in parts)
        return unit(query), unit(key), value, self._rate(x).transpose(1, 2)

    def _projected(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.query(x), self.key(x), self.value(x)

    def _rate(self, x: Tensor) -> Tensor:
        rate: Tensor = self.rate(x).sigmoid() * (2 if self.negative else 1)
        return rate


def unit(x: Tensor) -> Tensor:
    """Divided by its length over the last dimension; zero stays zero."""
    return x * (x.square().sum(-1, keepdim=True) + EPS).rsqrt()
