"""RWKV-7's time mixing: a memory that fades by feature and forgets what it is told to."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from sandbox.errors import BadInput
from tools.architectures.block import State, block
from tools.architectures.chunked import chunked_diagonal_delta
from tools.architectures.heads import join_heads, size_of_heads, split_heads
from tools.architectures.recurrences import diagonal_delta_step, unrolled

STREAMS = ("query", "decay", "key", "value", "rate", "gate")
STRONGEST = math.exp(-0.5)
"""The most that the logarithm of a feature's decay can be below 0 at one position."""
SLOW, FAST = -6.5, -1.5
NORM_EPS = 64e-5


def plain_rwkv(module: nn.Module, x: Tensor) -> Tensor:
    """The paper's equations at one position after the other, states as values by keys."""
    assert isinstance(module, RWKV)
    shape = (len(x), module.heads, module.size)
    memory, past, rows = x.new_zeros(*shape, module.size), torch.zeros_like(x[:, 0]), []
    for now in x.unbind(1):
        blended = [share * past + (1 - share) * now for share in module.blend]
        streams = dict(zip(STREAMS, blended, strict=True))
        parts = (("query", module.query), ("key", module.key), ("value", module.value))
        query, key, value = ((streams[n] @ linear.weight.T).view(shape) for n, linear in parts)
        decay = _plain_low_rank(module.decay, streams["decay"], torch.tanh)
        kept = (-math.exp(-0.5) / (1 + (-decay).exp())).exp().view(shape)
        rate = 1 / (1 + (-_plain_low_rank(module.rate, streams["rate"])).exp()).view(shape)
        removal = key * module.removal[:, 0]
        removal = removal / removal.square().sum(-1, keepdim=True).sqrt()
        key = key - (1 - rate) * module.rated[:, 0] * key
        held = (memory * removal[:, :, None]).sum(-1, keepdim=True)
        memory = memory * kept[:, :, None] - held * (rate * removal)[:, :, None]
        memory = memory + value[..., None] * key[:, :, None]
        row = (memory * query[:, :, None]).sum(-1)
        row = row - row.mean(-1, keepdim=True)
        row = row / (row.square().mean(-1, keepdim=True) + NORM_EPS).sqrt()
        row = row.flatten(1) * module.norm.weight + module.norm.bias
        own = (query * key * module.bonus).sum(-1, keepdim=True) * value
        gate = _plain_low_rank(module.gate, streams["gate"], torch.sigmoid)
        rows.append(((row + own.flatten(1)) * gate) @ module.out.weight.T)
        past = now
    return torch.stack(rows, 1)


def _plain_low_rank(
    map: LowRank, x: Tensor, inner: Callable[[Tensor], Tensor] = lambda x: x
) -> Tensor:
    mapped = inner(x @ map.down.weight.T) @ map.up.weight.T
    return mapped if map.offset is None else mapped + map.offset


@block("rwkv", source="arXiv:2503.14456", reference=plain_rwkv)
class RWKV(nn.Module):
    """Time mixing of RWKV-7 (Peng et al. 2025): a generalised delta rule with decay by feature.

    Each stream (query, decay, key, value, rate, gate) reads its own blend of the position and the
    one before it. rank: of the maps from input to decay, rate and gate. The paper's value residual
    from the first layer is left out, because a block sees no other layer.
    """

    chunks: ClassVar[bool] = True
    undecayed: ClassVar[tuple[str, ...]] = ("blend", "removal", "rated", "bonus")

    def __init__(self, width: int, heads: int = 4, rank: int = 8) -> None:
        super().__init__()
        self.size = size_of_heads("rwkv", width, heads)
        if rank < 1:
            raise BadInput(f"rwkv: rank: {rank} is below 1", "use 4 or more")
        self.heads = heads
        share = torch.arange(width) / max(1, width - 1)
        self.blend = nn.Parameter((1 - share**0.5).repeat(len(STREAMS), 1))
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.decay = LowRank(width, rank, nn.Tanh(), SLOW + (FAST - SLOW) * share)
        self.rate = LowRank(width, rank, nn.Identity(), torch.zeros(width))
        self.gate = LowRank(width, rank, nn.Sigmoid(), None)
        self.removal = nn.Parameter(torch.full((heads, 1, self.size), 0.85))
        self.rated = nn.Parameter(torch.ones(heads, 1, self.size))
        self.bonus = nn.Parameter(torch.zeros(heads, self.size))
        self.norm = nn.GroupNorm(heads, width, eps=NORM_EPS)
        self.out = nn.Linear(width, width, bias=False)

    def project(self, x: Tensor, past: Tensor) -> tuple[Tensor, ...]:
        """What the rule needs: query, key, value, removed, written, log decay; and the gate.

        x: (B, T, width); past: the same, one position earlier. All but the gate: (B, heads, T, d).
        """
        query, decay, key, value, rate, gate = torch.addcmul(x, past - x, self.blend[:, None, None])
        query, key, value, rate, decay = (
            split_heads(part, self.heads)
            for part in (
                self.query(query),
                self.key(key),
                self.value(value),
                self.rate(rate).sigmoid(),
                -STRONGEST * self.decay(decay).sigmoid(),
            )
        )
        removed = nnf.normalize(key * self.removal, dim=-1)
        key = key * (1 + (rate - 1) * self.rated)
        return query, key, value, removed, removed * rate, decay, self.gate(gate)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) -> (B, T, width)."""
        *parts, gate = self.project(x, nnf.pad(x, (0, 0, 1, -1)))
        mixed, _ = chunked_diagonal_delta(*parts)
        return self._join(mixed, parts, gate)

    def start(self, batch: int) -> State:
        """A matrix of zeros a head, and zeros as the input before the first."""
        weight = self.out.weight
        return {
            "memory": weight.new_zeros(batch, self.heads, self.size, self.size),
            "past": weight.new_zeros(batch, len(weight)),
        }

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """(B, width) or a chunk (B, n, width) -> the same."""
        if x.dim() == 3:
            past = torch.cat((state["past"][:, None], x[:, :-1]), 1)
            *parts, gate = self.project(x, past)
            mixed, memory = chunked_diagonal_delta(*parts, state=state["memory"])
            return self._join(mixed, parts, gate), {"memory": memory, "past": x[:, -1]}
        *parts, gate = self.project(x[:, None], state["past"][:, None])
        mixed, memory = unrolled(diagonal_delta_step, state["memory"], *parts)
        return self._join(mixed, parts, gate)[:, 0], {"memory": memory, "past": x}

    def _join(self, mixed: Tensor, parts: list[Tensor], gate: Tensor) -> Tensor:
        """Heads' outputs, normed, with the position's own value on top, gated and projected."""
        query, key, value, *_ = parts
        normed = join_heads(nnf.layer_norm(mixed, (self.size,), eps=NORM_EPS))
        normed = torch.addcmul(self.norm.bias, normed, self.norm.weight)
        own = (query * key * self.bonus[:, None]).sum(-1, keepdim=True) * value
        joined: Tensor = self.out((normed + join_heads(own)) * gate)
        return joined


class LowRank(nn.Module):
    """offset + up(inner(down(x))), through `rank` features. It starts near its offset."""

    def __init__(self, width: int, rank: int, inner: nn.Module, offset: Tensor | None) -> None:
        super().__init__()
        self.down = nn.Linear(width, rank, bias=False)
        self.inner = inner
        self.up = nn.Linear(rank, width, bias=False)
        self.offset = nn.Parameter(offset) if offset is not None else None

    def forward(self, x: Tensor) -> Tensor:
        """(..., width) -> (..., width)."""
        mapped: Tensor = self.up(self.inner(self.down(x)))
        return mapped if self.offset is None else mapped + self.offset
