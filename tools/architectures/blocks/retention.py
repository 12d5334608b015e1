"""Retention: linear attention whose memory fades at a fixed rate a head."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from sandbox.errors import BadInput
from tools.architectures.block import State, block
from tools.architectures.linear_recurrence import recur, recur_on, recur_once
from tools.architectures.norms import EPS, RMSNorm
from tools.architectures.rotary import rotate


def plain_retention(module: nn.Module, x: Tensor) -> Tensor:
    """Each position sums (q . k) decay^distance v over the earlier ones."""
    assert isinstance(module, Retention)
    query, key, value = module.project(x, torch.arange(x.shape[1], device=x.device))
    rows = []
    for t in range(x.shape[1]):
        total = torch.zeros_like(value[:, :, 0])
        for s in range(t + 1):
            score = (query[:, :, t] * key[:, :, s]).sum(-1) / math.sqrt(module.size)
            faded = torch.stack(
                [
                    score[:, h] * (1 - 2.0 ** -(module.first + h)) ** (t - s)
                    for h in range(module.heads)
                ],
                1,
            )
            total = total + faded[..., None] * value[:, :, s]
        total = total / (total.square().mean(-1, keepdim=True) + EPS).sqrt() * module.norm.gain
        gate = x[:, t] @ module.gate.weight.T if module.gate is not None else None
        total = total.flatten(1)
        total = total if gate is None else total * gate / (1 + (-gate).exp())
        rows.append(total @ module.out.weight.T)
    return torch.stack(rows, 1)


@block("retention", source="arXiv:2307.08621", reference=plain_retention)
class Retention(nn.Module):
    """Multi-scale retention (Sun et al. 2023): static scalar decay, a norm a head, a SiLU gate.

    first: head h = 0, 1, ... forgets a share of 2^-(first + h) at each position. positions: of
    queries and keys. gate: whether the input gates the output.
    """

    chunks: ClassVar[bool] = True

    def __init__(
        self,
        width: int,
        heads: int = 4,
        first: int = 5,
        positions: Literal["rotary", "none"] = "rotary",
        gate: bool = True,
    ) -> None:
        super().__init__()
        if heads < 1 or width % heads or (positions == "rotary" and width // heads % 2):
            raise BadInput(
                f"retention: {heads} heads do not divide the width {width} evenly",
                "choose heads so that width / heads is whole, and even with rotary positions",
            )
        if first < 1:
            raise BadInput(f"retention: first: {first} forgets everything", "use 1 or more")
        self.heads, self.size, self.first, self.positions = heads, width // heads, first, positions
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.gate = nn.Linear(width, width, bias=False) if gate else None
        self.norm = RMSNorm(self.size)
        self.out = nn.Linear(width, width, bias=False)

    def project(self, x: Tensor, positions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys, values: (B, heads, T, d)."""
        query, key, value = (
            linear(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for linear in (self.query, self.key, self.value)
        )
        if self.positions == "rotary":
            query, key = rotate(query, positions), rotate(key, positions)
        return query, key, value

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) -> (B, T, width)."""
        query, key, value = self.project(x, torch.arange(x.shape[1], device=x.device))
        fading = self._log_decay(x)[None, :, None]
        mixed = recur(query * self.size**-0.5, key, value, fading)
        return self._join(mixed.transpose(1, 2), x)

    def start(self, batch: int) -> State:
        """An empty matrix a head, no position seen."""
        shape = (batch, self.heads, self.size, self.size)
        seen = torch.zeros(1, dtype=torch.long, device=self.query.weight.device)
        return {"memory": self.query.weight.new_zeros(shape), "seen": seen}

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """(B, width) or a chunk (B, n, width) -> the same."""
        chunk = x if x.dim() == 3 else x[:, None]
        here = state["seen"].to(x.device) + torch.arange(chunk.shape[1], device=x.device)
        query, key, value = self.project(chunk, here)
        query = query * self.size**-0.5
        if x.dim() == 3:
            fading = self._log_decay(x)[None, :, None]
            mixed, memory = recur_on(query, key, value, fading, state["memory"])
            after = {"memory": memory, "seen": here[-1:] + 1}
            return self._join(mixed.transpose(1, 2), x), after
        query, key, value = (part[:, :, 0] for part in (query, key, value))
        mixed, memory = recur_once(query, key, value, self._log_decay(x), state["memory"])
        return self._join(mixed, x), {"memory": memory, "seen": state["seen"] + 1}

    def _log_decay(self, x: Tensor) -> Tensor:
        """(heads, 1)."""
        exponents = torch.arange(self.heads, device=x.device, dtype=x.dtype) + self.first
        return torch.log1p(-(2.0**-exponents))[:, None]

    def _join(self, mixed: Tensor, x: Tensor) -> Tensor:
        """Heads' outputs (..., heads, d), normed, gated by the input and projected."""
        normed = self.norm(mixed).flatten(-2)
        normed = normed if self.gate is None else normed * nnf.silu(self.gate(x))
        joined: Tensor = self.out(normed)
        return joined
