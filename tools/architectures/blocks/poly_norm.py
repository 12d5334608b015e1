"""A feed-forward network whose activation is a polynomial of normalised powers."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from tools.architectures.block import block
from tools.architectures.norms import EPS, rms

DEGREE = 3


class PolyNorm(nn.Module):
    """sum_i w_i norm(x^i) + b for i = 1..3, each power over its own root mean square.

    Source: polynomial composition activations, Zhuo et al. 2024, arXiv:2411.03884.
    """

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.full((DEGREE,), 1.0 / DEGREE))
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """(*, hidden) -> (*, hidden)."""
        powers = torch.stack((x, x * x, x * x * x))
        return torch.einsum("i,i...->...", self.weights, rms(powers)) + self.bias


def plain_poly_norm(module: nn.Module, x: Tensor) -> Tensor:
    """Power by power and vector by vector."""
    assert isinstance(module, PolyNormMLP)
    rows = []
    for vector in x.flatten(0, -2):
        inner = module.up.weight @ vector
        total = module.activation.bias.expand(len(inner))
        for i in range(DEGREE):
            power = inner ** (i + 1)
            size = ((power**2).sum() / len(power) + EPS) ** 0.5
            total = total + module.activation.weights[i] * power / size
        if module.linear is not None:
            total = total * (module.linear.weight @ vector)
        rows.append(module.down.weight @ total)
    return torch.stack(rows).view_as(x)


@block("poly_norm", source="arXiv:2411.03884", mixes="channel", reference=plain_poly_norm)
class PolyNormMLP(nn.Module):
    """Feed-forward network with PolyNorm as its activation, as in Motif (arXiv:2508.09148).

    gated: times a linear path, as a GLU.
    """

    def __init__(self, width: int, expansion: float = 4.0, gated: bool = False) -> None:
        super().__init__()
        hidden = max(1, math.ceil(width * expansion))
        self.up = nn.Linear(width, hidden, bias=False)
        self.linear = nn.Linear(width, hidden, bias=False) if gated else None
        self.down = nn.Linear(hidden, width, bias=False)
        self.activation = PolyNorm()

    def forward(self, x: Tensor) -> Tensor:
        """(*, width) -> (*, width)."""
        hidden = self.activation(self.up(x))
        if self.linear is not None:
            hidden = hidden * self.linear(x)
        mixed: Tensor = self.down(hidden)
        return mixed
