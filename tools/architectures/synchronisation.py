"""How pairs of neurons move together over the ticks: what a thought is read from."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from tools.architectures.ticks import Pairing

KEPT_AT_START = 4.0
"""Logit of what a pair keeps of its past from one tick to the next: 0.98 at the start."""


class Sums(NamedTuple):
    """Decayed sums so far, (B, pairs): of the products, and of the weights that they had."""

    products: Tensor
    weights: Tensor


class Synchronisation(nn.Module):
    """Products of two neurons' activations, summed over the ticks with a learned decay a pair.

    S_t = sum_s k^(t - s) z_s,i z_s,j / sqrt(sum_s k^(t - s)), with k = sigmoid(kept) in (0, 1), by
    the recurrence of both sums. Source: Darlow et al. 2025, arXiv:2505.05522.
    """

    left: Tensor
    right: Tensor

    def __init__(
        self, neurons: int, pairs: int, pairing: Pairing, end: Literal["first", "last"]
    ) -> None:
        """end: which neurons a `first_last` pairing takes. Random pairs come from torch's seed."""
        super().__init__()
        left, right = _drawn(neurons, pairs) if pairing == "random" else _triangle(pairs)
        if pairing == "first_last" and end == "last":
            left, right = neurons - 1 - left, neurons - 1 - right
        self.register_buffer("left", left)
        self.register_buffer("right", right)
        self.kept = nn.Parameter(torch.full((pairs,), KEPT_AT_START))

    def start(self, state: Tensor) -> Sums:
        """The sums after the first state, (B, neurons)."""
        products = self._products(state)
        return Sums(products, torch.ones_like(products[:1]))

    def step(self, sums: Sums, state: Tensor) -> Sums:
        """The sums after one more state."""
        kept = self.kept.sigmoid()
        return Sums(kept * sums.products + self._products(state), kept * sums.weights + 1)

    def value(self, sums: Sums) -> Tensor:
        """The synchronisation, (B, pairs)."""
        return sums.products * sums.weights.rsqrt()

    def _products(self, state: Tensor) -> Tensor:
        return state[:, self.left] * state[:, self.right]


class Momentary(nn.Module):
    """The state itself, in the place of a synchronisation: the plain reading it is held against."""

    def start(self, state: Tensor) -> Sums:
        """The state, (B, neurons)."""
        return Sums(state, torch.ones_like(state[:1]))

    def step(self, sums: Sums, state: Tensor) -> Sums:
        """The newer state alone."""
        return Sums(state, sums.weights)

    def value(self, sums: Sums) -> Tensor:
        """(B, neurons)."""
        return sums.products


def plain_synchronisation(module: Synchronisation, history: Tensor) -> Tensor:
    """The same from the whole history, (B, t, neurons) -> (B, pairs), by the sums themselves."""
    ages = torch.arange(history.shape[1] - 1, -1, -1, device=history.device)
    columns = []
    for left, right, kept in zip(module.left, module.right, module.kept, strict=True):
        weights = torch.exp(-ages * torch.log1p(torch.exp(-kept)))
        products = history[:, :, left] * history[:, :, right]
        columns.append((products * weights).sum(1) / weights.sum().sqrt())
    return torch.stack(columns, 1)


def _drawn(neurons: int, pairs: int) -> tuple[Tensor, Tensor]:
    return torch.randint(neurons, (pairs,)), torch.randint(neurons, (pairs,))


def _triangle(pairs: int) -> tuple[Tensor, Tensor]:
    """Pairs (i, j), i >= j, of as few neurons as give that many."""
    count = 1
    while count * (count + 1) // 2 < pairs:
        count += 1
    rows, columns = torch.tril_indices(count, count)
    return rows[:pairs], columns[:pairs]
