"""How much a head forgets at each position, chosen by the input, as in Mamba-2."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from sandbox.errors import BadInput
from tools.architectures.linear_recurrence import SCALAR_FLOOR


class Forgetting(nn.Module):
    """A time step dt = softplus(W x + b) and the decay exp(-dt exp(log_rate)) of each head.

    At the start dt is log-uniform between `shortest` and `longest`, and the rate uniform between a
    sixteenth of `fastest` and `fastest`. The defaults are the paper's, for texts of thousands of
    tokens. Source: Dao & Gu 2024, arXiv:2405.21060.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        shortest: float = 1e-3,
        longest: float = 0.1,
        fastest: float = 16.0,
    ) -> None:
        super().__init__()
        if not 0 < shortest <= longest or fastest <= 0:
            raise BadInput(
                f"time steps from {shortest} to {longest}, rates up to {fastest}",
                "use numbers above 0, the shortest not above the longest",
            )
        self.linear = nn.Linear(width, heads, bias=False)
        timestep = shortest * (torch.rand(heads) * math.log(longest / shortest)).exp()
        self.bias = nn.Parameter(timestep.expm1().log())
        slowest = fastest / 16
        self.log_rate = nn.Parameter((slowest + torch.rand(heads) * (fastest - slowest)).log())

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, width) -> the decay's logarithm, SCALAR_FLOOR to 0, and dt: (B, heads, T) each."""
        timestep = nnf.softplus(self.linear(x) + self.bias).transpose(1, 2)
        return (-timestep * self.log_rate.exp()[:, None]).clamp(min=SCALAR_FLOOR), timestep
