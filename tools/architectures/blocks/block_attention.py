"""Softmax attention that is causal over blocks of positions and free within each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from sandbox.errors import BadInput
from tools.architectures.block import State, block
from tools.architectures.blocks.softmax_attention import SoftmaxAttention

Positions: TypeAlias = Literal["rotary", "none"]


def plain_block_attention(module: nn.Module, x: Tensor) -> Tensor:
    """Each position looks at everything up to its block's end, one by one."""
    assert isinstance(module, BlockAttention)
    ends = [(t // module.block + 1) * module.block for t in range(x.shape[1])]
    return plain_looks(module.attention, x, ends)


def plain_looks(inner: SoftmaxAttention, x: Tensor, ends: Sequence[int]) -> Tensor:
    """Position t looks at all positions before ends[t]."""
    query, key, value = inner.project(x, torch.arange(x.shape[1], device=x.device))
    group = inner.heads // inner.groups
    key, value = key.repeat_interleave(group, 1), value.repeat_interleave(group, 1)
    rows = []
    for t, end in enumerate(ends):
        scores = (query[:, :, t, None] * key[:, :, :end]).sum(-1) / math.sqrt(inner.size)
        weights = scores.exp() / scores.exp().sum(-1, keepdim=True)
        rows.append((weights[..., None] * value[:, :, :end]).sum(2).flatten(1))
    return torch.stack(rows, 1) @ inner.out.weight.T


@block(
    "block_attention",
    source="arXiv:2503.09573",
    reference=plain_block_attention,
    causal=False,
    constant_state=False,
)
class BlockAttention(nn.Module):
    """Attention over finished blocks and the own block (Arriola et al. 2025), with a cache.

    block: positions that see each other; 1 is causal attention. `step` takes one position or a
    chunk of them (B, n, width), and every block is seen once: earlier ones from the cache where
    they are in it, else from the chunk; the own one from the chunk. Hence one rule gives three
    passes: a clean sequence (nothing cached), the next block after the finished ones (sampling),
    and all noisy blocks at once, each after its own clean past (training: a cache of the whole
    clean sequence, `rewind`ed). The last is the mask of the paper's joint noisy and clean sequence.
    """

    chunks: ClassVar[bool] = True

    def __init__(
        self,
        width: int,
        heads: int = 4,
        groups: int = 0,
        block: int = 1,
        positions: Positions = "rotary",
        qk_norm: bool = False,
    ) -> None:
        super().__init__()
        if block < 1:
            raise BadInput(f"block_attention: block: {block} is below 1", "use 1 or more")
        self.block = block
        self.attention = SoftmaxAttention(
            width, heads, groups, positions=positions, qk_norm=qk_norm
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) -> (B, T, width)."""
        return self.step(x, self.start(len(x)))[0]

    def start(self, batch: int) -> State:
        """No keys, no values, no position seen."""
        inner = self.attention
        empty = inner.key.weight.new_zeros(batch, inner.groups, 0, inner.size)
        seen = torch.zeros(1, dtype=torch.long, device=empty.device)
        return {"key": empty, "value": empty, "seen": seen}

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """(B, width) or (B, n, width) -> the same shape; the cache grows by what was given."""
        inner = self.attention
        chunk = x if x.dim() == 3 else x[:, None]
        positions = state["seen"] + torch.arange(chunk.shape[1], device=x.device)
        query, key, value = inner.project(chunk, positions)
        sees = self._sees(positions, state["key"].shape[2])
        key, value = torch.cat((state["key"], key), 2), torch.cat((state["value"], value), 2)
        gqa = inner.groups != inner.heads
        mixed = nnf.scaled_dot_product_attention(query, key, value, attn_mask=sees, enable_gqa=gqa)
        joined = inner.out(mixed.transpose(1, 2).flatten(2))
        after = {"key": key, "value": value, "seen": state["seen"] + chunk.shape[1]}
        return joined.view_as(x), after

    def _sees(self, positions: Tensor, cached: int) -> Tensor:
        """(n, cached + n): which keys each of the chunk's positions may look at."""
        own = positions // self.block
        past = torch.arange(cached, device=positions.device) // self.block
        before = past < own[:, None]
        fresh = (own < own[:, None]) & (positions >= cached)
        return torch.cat((before, (own == own[:, None]) | fresh), 1)


def rewind(states: list[State]) -> list[State]:
    """The same caches, to be read again from the first position on."""
    return [
        {
            name: torch.zeros_like(value) if name.endswith("seen") else value
            for name, value in state.items()
        }
        for state in states
    ]
