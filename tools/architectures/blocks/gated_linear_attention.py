"""Gated linear attention: linear attention whose input decides what each feature forgets."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from sandbox.errors import BadInput
from tools.architectures.block import State, block
from tools.architectures.heads import size_of_heads
from tools.architectures.linear_recurrence import recur, recur_on, recur_once
from tools.architectures.norms import EPS, RMSNorm


def plain_gated_linear_attention(module: nn.Module, x: Tensor) -> Tensor:
    """The recurrence, one position after the other."""
    assert isinstance(module, GatedLinearAttention)
    query, key, value, log_decay = module.project(x)
    state = torch.zeros_like(key[:, :, 0, :, None] * value[:, :, 0, None, :])
    rows = []
    for t in range(x.shape[1]):
        new = key[:, :, t, :, None] * value[:, :, t, None, :]
        state = log_decay[:, :, t].exp()[..., None] * state + new
        read = (query[:, :, t, :, None] * state).sum(-2) / math.sqrt(module.size)
        read = read / (read.square().mean(-1, keepdim=True) + EPS).sqrt() * module.norm.gain
        gate = x[:, t] @ module.gate.weight.T + module.gate.bias
        rows.append((read.flatten(1) * gate / (1 + (-gate).exp())) @ module.out.weight.T)
    return torch.stack(rows, 1)


@block("gated_linear_attention", source="arXiv:2312.06635", reference=plain_gated_linear_attention)
class GatedLinearAttention(nn.Module):
    """Gated linear attention (Yang et al. 2023): decay by feature and input, a SiLU output gate.

    keys: features of a head's queries and keys, 0 for half as many as its values; they set the
    state's size. rank: of the map from input to decay. temperature: the decay is a sigmoid to the
    power 1 / temperature, so that a larger one remembers longer.
    """

    chunks: ClassVar[bool] = True

    def __init__(
        self,
        width: int,
        heads: int = 4,
        keys: int = 0,
        rank: int = 16,
        temperature: float = 16.0,
    ) -> None:
        super().__init__()
        if keys < 0 or rank < 1 or temperature <= 0:
            raise BadInput(
                f"gated_linear_attention: keys {keys}, rank {rank}, temperature {temperature}",
                "keys is 0 or more, rank 1 or more, temperature above 0",
            )
        self.heads, self.temperature = heads, temperature
        self.value_size = size_of_heads("gated_linear_attention", width, heads)
        self.size = keys or max(1, self.value_size // 2)
        self.query = nn.Linear(width, heads * self.size, bias=False)
        self.key = nn.Linear(width, heads * self.size, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.decay = nn.Sequential(
            nn.Linear(width, rank, bias=False), nn.Linear(rank, heads * self.size)
        )
        self.gate = nn.Linear(width, width)
        self.norm = RMSNorm(self.value_size)
        self.out = nn.Linear(width, width, bias=False)

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Queries, keys, values and log decays (B, heads, T, k); values are v wide."""
        query, key, value, decay = (
            linear(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for linear in (self.query, self.key, self.value, self.decay)
        )
        return query, key, value, nnf.logsigmoid(decay) / self.temperature

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) -> (B, T, width)."""
        query, key, value, log_decay = self.project(x)
        mixed = recur(query * self.size**-0.5, key, value, log_decay)
        return self._join(mixed.transpose(1, 2), x)

    def start(self, batch: int) -> State:
        """An empty matrix a head."""
        shape = (batch, self.heads, self.size, self.value_size)
        return {"memory": self.query.weight.new_zeros(shape)}

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """(B, width) or a chunk (B, n, width) -> the same."""
        query, key, value, log_decay = self.project(x if x.dim() == 3 else x[:, None])
        query = query * self.size**-0.5
        if x.dim() == 3:
            mixed, memory = recur_on(query, key, value, log_decay, state["memory"])
            return self._join(mixed.transpose(1, 2), x), {"memory": memory}
        query, key, value, log_decay = (p[:, :, 0] for p in (query, key, value, log_decay))
        mixed, memory = recur_once(query, key, value, log_decay, state["memory"])
        return self._join(mixed, x), {"memory": memory}

    def _join(self, mixed: Tensor, x: Tensor) -> Tensor:
        """Heads' outputs (..., heads, v), normed, gated by the input and projected."""
        normed = self.norm(mixed).flatten(-2) * nnf.silu(self.gate(x))
        joined: Tensor = self.out(normed)
        return joined
