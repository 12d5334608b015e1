"""Softmax attention in which every position sees every other."""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from tools.architectures.block import block
from tools.architectures.blocks.block_attention import plain_looks
from tools.architectures.blocks.softmax_attention import SoftmaxAttention

Positions: TypeAlias = Literal["rotary", "none"]


def plain_bidirectional(module: nn.Module, x: Tensor) -> Tensor:
    """Each position looks at all, one by one."""
    assert isinstance(module, BidirectionalAttention)
    return plain_looks(module.attention, x, [x.shape[1]] * x.shape[1])


@block(
    "bidirectional_attention",
    source="arXiv:1810.04805",
    reference=plain_bidirectional,
    causal=False,
    constant_state=False,
)
class BidirectionalAttention(nn.Module):
    """Attention without a causal mask, with rotary positions (Devlin et al. 2018).

    For objectives that fill in rather than continue: masked diffusion, a world model's states.
    Its parameters are those of `softmax_attention`, so that weights can be carried over.
    """

    def __init__(
        self,
        width: int,
        heads: int = 4,
        groups: int = 0,
        positions: Positions = "rotary",
        qk_norm: bool = False,
    ) -> None:
        super().__init__()
        self.attention = SoftmaxAttention(
            width, heads, groups, positions=positions, qk_norm=qk_norm
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) -> (B, T, width)."""
        inner = self.attention
        query, key, value = inner.project(x, torch.arange(x.shape[1], device=x.device))
        gqa = inner.groups != inner.heads
        mixed = nnf.scaled_dot_product_attention(query, key, value, enable_gqa=gqa)
        joined: Tensor = inner.out(mixed.transpose(1, 2).flatten(2))
        return joined
