"""What the neurons tell each other between two ticks: the one place where they mix."""

from __future__ import annotations

import itertools

from torch import Tensor, nn
from torch.nn import functional as nnf

NARROWEST = 16


class GatedSynapses(nn.Module):
    """Linear, gated, normalised (arXiv:2505.05522)."""

    def __init__(self, inputs: int, neurons: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(inputs, 2 * neurons)
        self.norm = nn.LayerNorm(neurons)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs) -> pre-activations (B, neurons)."""
        mixed: Tensor = self.norm(nnf.glu(self.linear(self.dropout(x))))
        return mixed


class UNetSynapses(nn.Module):
    """Down to a narrow middle and up again, with a way across at every width (arXiv:2505.05522).

    `depth` widths, evenly from the neurons to 16 (or to the neurons, where they are fewer).
    """

    def __init__(self, inputs: int, neurons: int, depth: int, dropout: float = 0.0) -> None:
        super().__init__()
        narrowest = min(NARROWEST, neurons)
        widths = [neurons - (neurons - narrowest) * step // (depth - 1) for step in range(depth)]
        edges = list(itertools.pairwise(widths))
        self.first = _layer(inputs, neurons, 0.0)
        self.down = nn.ModuleList(_layer(wide, narrow, dropout) for wide, narrow in edges)
        self.up = nn.ModuleList(_layer(narrow, wide, dropout) for wide, narrow in edges)
        self.norms = nn.ModuleList(nn.LayerNorm(wide) for wide in widths[:-1])

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs) -> pre-activations (B, neurons)."""
        across = [self.first(x)]
        for layer in self.down:
            across.append(layer(across[-1]))
        rising: Tensor = across.pop()
        levels = list(zip(self.up, self.norms, across, strict=True))
        for layer, norm, level in reversed(levels):
            rising = norm(layer(rising) + level)
        return rising


def new_synapses(inputs: int, neurons: int, depth: int, dropout: float) -> nn.Module:
    """One gated layer for depth 1, else a U-Net of that many widths."""
    if depth == 1:
        return GatedSynapses(inputs, neurons, dropout)
    return UNetSynapses(inputs, neurons, depth, dropout)


def _layer(inputs: int, outputs: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Dropout(dropout), nn.Linear(inputs, outputs), nn.LayerNorm(outputs), nn.SiLU()
    )
