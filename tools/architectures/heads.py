"""Features as heads: split, join, and what may be split."""

from __future__ import annotations

from torch import Tensor

from sandbox.errors import BadInput


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(B, T, heads * d) -> (B, heads, T, d)."""
    return x.view(*x.shape[:2], heads, -1).transpose(1, 2)


def join_heads(x: Tensor) -> Tensor:
    """(B, heads, T, d) -> (B, T, heads * d)."""
    return x.transpose(1, 2).flatten(2)


def size_of_heads(block: str, width: int, heads: int) -> int:
    """Features of one head. Raises BadInput when the heads do not divide the width."""
    if heads < 1 or width % heads:
        raise BadInput(
            f"{block}: {heads} heads do not divide the width {width}",
            "choose heads so that width / heads is whole",
        )
    return width // heads
