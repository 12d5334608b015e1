"""Differential attention: the difference of two softmax maps."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn

from tools.architectures.block import block
from tools.architectures.blocks.grouped_differential_attention import GroupedDifferentialAttention
from tools.architectures.norms import EPS


def plain_differential_attention(module: nn.Module, x: Tensor) -> Tensor:
    """(softmax(Q1 K1) - lambda softmax(Q2 K2)) V, each position looking back on its own."""
    assert isinstance(module, DifferentialAttention)
    query, key, value = module.project(x, torch.arange(x.shape[1], device=x.device))
    (query_1, query_2), (key_1, key_2) = query.chunk(2, 1), key.chunk(2, 1)
    initial = 0.8 - 0.6 * math.exp(-0.3 * (module.depth - 1))
    (lambda_query_1, lambda_query_2), (lambda_key_1, lambda_key_2) = module.lambdas
    first, second = lambda_query_1 @ lambda_key_1, lambda_query_2 @ lambda_key_2
    share = first.exp() - second.exp() + initial
    rows = []
    for t in range(x.shape[1]):
        maps = []
        for q, k in ((query_1, key_1), (query_2, key_2)):
            scores = (q[:, :, t, None] * k[:, :, : t + 1]).sum(-1) / math.sqrt(module.size)
            maps.append(scores.exp() / scores.exp().sum(-1, keepdim=True))
        difference = maps[0] - share * maps[1]
        mixed = (difference[..., None] * value[:, :, : t + 1]).sum(2)
        mixed = mixed / (mixed.square().mean(-1, keepdim=True) + EPS).sqrt() * module.norm.gain
        rows.append((mixed * (1 - initial)).flatten(1) @ module.out.weight.T)
    return torch.stack(rows, 1)


@block(
    "differential_attention",
    source="arXiv:2410.05258",
    reference=plain_differential_attention,
    constant_state=False,
)
class DifferentialAttention(GroupedDifferentialAttention):
    """Two softmax maps a head, the second taken away times lambda (Ye et al. 2024).

    heads: of two queries and two keys each, half as many as in softmax attention for equally wide
    queries. depth: the layer, from 1, which sets where lambda starts. A norm on each head follows.
    """

    def __init__(
        self,
        width: int,
        heads: int = 2,
        depth: int = 1,
        positions: Literal["rotary", "none"] = "rotary",
    ) -> None:
        super().__init__(width, heads, heads, depth=depth, positions=positions)
