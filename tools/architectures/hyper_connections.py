"""Hyper-connections: several residual streams, read and written through learned weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class HyperConnection(nn.Module):
    """Static hyper-connections of one branch (Zhu et al. 2025, arXiv:2409.19606).

    The branch reads a learned combination of the streams; its output is added to each with a
    learned weight, and the streams are mixed among themselves. It starts as a plain residual:
    reading the mean of equal streams, adding an equal share to each, so that their sum is that of
    one stream.
    """

    def __init__(self, width: int, streams: int) -> None:
        super().__init__()
        self.reads = nn.Parameter(torch.full((streams,), 1.0 / streams))
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
