"""Normalisation over the last dimension."""

from __future__ import annotations

import torch
from torch import Tensor, nn

EPS = 1e-6


def rms(x: Tensor, eps: float = EPS) -> Tensor:
    """Divide by the root mean square, without a gain. Source: Zhang & Sennrich 2019."""
    return x * (x.square().mean(-1, keepdim=True) + eps).rsqrt()


class RMSNorm(nn.Module):
    """Root mean square normalisation with a gain (Zhang & Sennrich 2019, arXiv:1910.07467)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """(*, width) -> (*, width)."""
        return rms(x) * self.gain


def new_norm(name: str, width: int) -> nn.Module:
    """A norm by the architecture's name for it: `rms`, or `layer` (Ba et al. 2016)."""
    kinds: dict[str, type[nn.Module]] = {"rms": RMSNorm, "layer": nn.LayerNorm}
    return kinds[name](width)
