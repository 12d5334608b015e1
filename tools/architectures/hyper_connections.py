"""Hyper-connections: several residual streams, read and written through learned weights."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn


class HyperConnection(nn.Module):
    """Static hyper-connections of one branch (Zhu et al. 2025, arXiv:2409.19606).

    The branch reads a learned combination of the streams; its output is added to each with a
    learned weight, and the streams are mixed among themselves. It starts as a plain residual: one
    of the equal streams is read, each by its turn, and all are written to alike. Were all read
    alike too, they would have equal gradients and stay equal: one stream, however long one trains.
    """

    undecayed: ClassVar[tuple[str, ...]] = ("mixes",)

    def __init__(self, streams: int, branch: int) -> None:
        """branch: its number in the model, from 0, which says what stream it reads at the start."""
        super().__init__()
        self.reads = nn.Parameter(torch.eye(streams)[branch % streams])
        self.writes = nn.Parameter(torch.ones(streams))
        self.mixes = nn.Parameter(torch.eye(streams))

    def read(self, h: Tensor) -> Tensor:
        """(..., streams, width) -> (..., width)."""
        return torch.einsum("...sd,s->...d", h, self.reads)

    def write(self, h: Tensor, y: Tensor) -> Tensor:
        """The streams after the branch's output y: (..., width)."""
        return (
            torch.einsum("...sd,rs->...rd", h, self.mixes) + self.writes[:, None] * y[..., None, :]
        )
