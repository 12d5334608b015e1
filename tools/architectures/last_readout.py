"""Everything that is asked, decoded from the last position's hidden state alone."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from tools.architectures.backbone import Backbone


class LastReadout(nn.Module):
    """A backbone read through one position, by the same small network for every architecture.

    A sinusoidal code of the position asked is added to the last hidden state, then an MLP of two
    layers answers (the compression task of MAD, Poli et al. 2024, arXiv:2403.17844).
    """

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone
        width = backbone.architecture.width
        self.hidden = nn.Linear(width, 2 * width)
        self.head = nn.Linear(2 * width, backbone.head.out_features, bias=False)
        backbone.head.requires_grad_(backbone.architecture.tied)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T) -> logits (B, T, outputs)."""
        last = self.backbone.hidden(self.backbone.embed(tokens))[:, -1:]
        code = _code(tokens.shape[1], last)
        answered: Tensor = self.head(nnf.silu(self.hidden(last + code)))
        return answered

    def auxiliary(self) -> Tensor:
        """The backbone's."""
        return self.backbone.auxiliary()


def _code(length: int, like: Tensor) -> Tensor:
    """Sines and cosines of the position, (length, width). Source: Vaswani et al. 2017."""
    width = like.shape[-1]
    pairs = torch.arange(0, width, 2, device=like.device, dtype=like.dtype)
    rate = torch.exp(pairs * (-math.log(10_000.0) / width))
    angle = torch.arange(length, device=like.device, dtype=like.dtype)[:, None] * rate
    return torch.stack((angle.sin(), angle.cos()), -1).flatten(1)[:, :width]
