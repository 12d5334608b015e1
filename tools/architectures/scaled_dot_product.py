"""Softmax attention whose values are wider or narrower than its keys."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as nnf


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    """softmax(Q K^T / sqrt(d)) V, where `mask` is true; None sees all.

    query: (B, heads, T, d); key: (B, groups, S, d); value: (B, groups, S, v); groups divide heads.
    Zeros even the widths out, because torch's fused kernels want d = v and are faster even so.
    """
    size, wide = key.shape[-1], value.shape[-1]
    missing = wide - size
    if missing > 0:
        query, key = nnf.pad(query, (0, missing)), nnf.pad(key, (0, missing))
    elif missing < 0:
        value = nnf.pad(value, (0, -missing))
    grouped = key.shape[1] != query.shape[1]
    mixed = nnf.scaled_dot_product_attention(
        query, key, value, attn_mask=mask, scale=size**-0.5, enable_gqa=grouped
    )
    return mixed[..., :wide]
