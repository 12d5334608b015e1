"""Rotary positions (Su et al. 2021, arXiv:2104.09864)."""

from __future__ import annotations

import torch
from torch import Tensor


def rotate(x: Tensor, positions: Tensor, theta: float = 10000.0) -> Tensor:
    """Rotate pairs of features by their position's angle.

    x: (..., T, d), d even. positions: (T,), whole numbers.
    """
    size = x.shape[-1]
    rates = theta ** (-torch.arange(0, size, 2, device=x.device, dtype=torch.float32) / size)
    angles = positions.to(torch.float32)[:, None] * rates
    cos, sin = angles.cos().repeat(1, 2), angles.sin().repeat(1, 2)
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat((-second, first), -1) * sin
