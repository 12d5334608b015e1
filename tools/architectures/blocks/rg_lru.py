"""The real-gated linear recurrent unit: each feature fades on its own, as its input says."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from tools.architectures.block import State, block
from tools.architectures.heads import size_of_heads
from tools.architectures.scans import linear_scan

SHARPNESS = 8.0
SLOWEST, FASTEST = 0.999, 0.9
LEAST_SHARE = 1e-20
"""Of what is new; below it the square root would have no finite gradient."""


def plain_rg_lru(module: nn.Module, x: Tensor) -> Tensor:
    """State h <- a h + sqrt(1 - a^2) (i * x), position by position."""
    assert isinstance(module, RGLRU)
    rows, state = [], x.new_zeros(len(x), module.width)
    for t in range(x.shape[1]):
        hidden = x[:, t] @ module.hidden.weight.T
        inputs = _plain_gate(hidden, module.input_gate, module.input_bias)
        fading = _plain_gate(hidden, module.fading_gate, module.fading_bias)
        decay = (1 + module.rate.exp()) ** (-SHARPNESS * fading)
        state = decay * state + (1 - decay**2).sqrt() * inputs * hidden
        gate = x[:, t] @ module.gate.weight.T
        gate = gate * (1 + torch.erf(gate / 2**0.5)) / 2
        rows.append((state * gate) @ module.out.weight.T)
    return torch.stack(rows, 1)


def _plain_gate(hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    heads = hidden.chunk(len(weight), -1)
    given = torch.cat([head @ block for head, block in zip(heads, weight, strict=True)], -1)
    gate: Tensor = 1 / (1 + (-given - bias).exp())
    return gate


@block("rg_lru", source="arXiv:2402.19427", reference=plain_rg_lru)
class RGLRU(nn.Module):
    """RG-LRU in its gated branch, the recurrent mixer of Griffin (De et al. 2024).

    heads: blocks of the two gates' block-diagonal matrices. The paper's short convolution is the
    layer's `convolution`.
    """

    chunks: ClassVar[bool] = True

    def __init__(self, width: int, heads: int = 4) -> None:
        super().__init__()
        size = size_of_heads("rg_lru", width, heads)
        self.width, self.heads = width, heads
        self.hidden = nn.Linear(width, width, bias=False)
        self.gate = nn.Linear(width, width, bias=False)
        self.input_gate = nn.Parameter(torch.randn(heads, size, size) * size**-0.5)
        self.input_bias = nn.Parameter(torch.zeros(width))
        self.fading_gate = nn.Parameter(torch.randn(heads, size, size) * size**-0.5)
        self.fading_bias = nn.Parameter(torch.zeros(width))
        decay = FASTEST + torch.rand(width) * (SLOWEST - FASTEST)
        self.rate = nn.Parameter((-decay.log() / SHARPNESS).expm1().log())
        self.out = nn.Linear(width, width, bias=False)

    def recurrence(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """What each position keeps and adds, from the hidden features: (..., width) each."""
        inputs = self._gated(hidden, self.input_gate, self.input_bias)
        fading = self._gated(hidden, self.fading_gate, self.fading_bias)
        log_decay = -SHARPNESS * fading * nnf.softplus(self.rate)
        share = (-(2 * log_decay).expm1()).clamp_min(LEAST_SHARE)
        return log_decay.exp(), share.sqrt() * inputs * hidden

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) -> (B, T, width)."""
        mixed = linear_scan(*self.recurrence(self.hidden(x)))
        joined: Tensor = self.out(mixed * nnf.gelu(self.gate(x)))
        return joined

    def start(self, batch: int) -> State:
        """Zeros, one a feature."""
        return {"memory": self.rate.new_zeros(batch, self.width)}

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """(B, width) or a chunk (B, n, width) -> the same."""
        decay, added = self.recurrence(self.hidden(x))
        if x.dim() == 3:
            first = added[:, :1] + decay[:, :1] * state["memory"][:, None]
            mixed = linear_scan(decay, torch.cat((first, added[:, 1:]), 1))
            return self.out(mixed * nnf.gelu(self.gate(x))), {"memory": mixed[:, -1]}
        memory = decay * state["memory"] + added
        return self.out(memory * nnf.gelu(self.gate(x))), {"memory": memory}

    def _gated(self, hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        heads = hidden.view(*hidden.shape[:-1], self.heads, -1)
        return (torch.einsum("...hi,hij->...hj", heads, weight).flatten(-2) + bias).sigmoid()
