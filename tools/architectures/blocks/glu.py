"""Gated linear units as channel mixer."""

from __future__ import annotations

import math

from torch import Tensor, nn
from torch.nn import functional as nnf

from tools.architectures.block import block


def plain_glu(module: nn.Module, x: Tensor) -> Tensor:
    """W_down (silu(W_gate x) * W_up x), by matrix products."""
    assert isinstance(module, GLU)
    gate, up = x @ module.gate.weight.T, x @ module.up.weight.T
    return (gate / (1 + (-gate).exp()) * up) @ module.down.weight.T


@block("glu", source="arXiv:2002.05202", mixes="channel", reference=plain_glu)
class GLU(nn.Module):
    """SwiGLU: a SiLU gate times a linear path (Shazeer 2020)."""

    def __init__(self, width: int, expansion: float = 2.0) -> None:
        super().__init__()
        hidden = max(1, math.ceil(width * expansion))
        self.gate = nn.Linear(width, hidden, bias=False)
        self.up = nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(*, width) -> (*, width)."""
        mixed: Tensor = self.down(nnf.silu(self.gate(x)) * self.up(x))
        return mixed
