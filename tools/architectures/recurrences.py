"""Recurrences of a matrix state, one position at a time: what decoding runs and references unroll.

The state S is (B, H, dk, dv): keys by values. A query reads S^T q. Each step takes the state and
what one position gives (B, H, ...), and answers with the position's output and the next state.
`tools.architectures.chunked` computes the same for many positions at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

Step: TypeAlias = Callable[..., tuple[Tensor, Tensor]]


def read(state: Tensor, query: Tensor) -> Tensor:
    """S^T q: (B, H, dk, dv), (B, H, dk) -> (B, H, dv)."""
    return (state * query[..., None]).sum(-2)


def outer(key: Tensor, value: Tensor) -> Tensor:
    """The matrix k v^T: (B, H, dk), (B, H, dv) -> (B, H, dk, dv)."""
    return key[..., None] * value[..., None, :]


def delta_step(
    state: Tensor, query: Tensor, key: Tensor, value: Tensor, rate: Tensor, log_decay: Tensor
) -> tuple[Tensor, Tensor]:
    """S <- exp(g) S, then S <- S + rate k (v - S^T k)^T. rate, log_decay: (B, H)."""
    state = log_decay.exp()[..., None, None] * state
    state = state + outer(key, rate[..., None] * (value - read(state, key)))
    return read(state, query), state


def diagonal_delta_step(
    state: Tensor,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    removed: Tensor,
    written: Tensor,
    log_decay: Tensor,
) -> tuple[Tensor, Tensor]:
    """S <- (diag(exp(g)) - written removed^T) S + k v^T. log_decay: (B, H, dk), one a feature."""
    kept = log_decay.exp()[..., None] * state
    state = kept - outer(written, read(state, removed)) + outer(key, value)
    return read(state, query), state


def unrolled(step: Step, state: Tensor, *parts: Tensor) -> tuple[Tensor, Tensor]:
    """Every position in turn. parts: (B, H, T, ...) each -> outputs (B, H, T, dv), last state."""
    rows = []
    for t in range(parts[0].shape[2]):
        row, state = step(state, *(part[:, :, t] for part in parts))
        rows.append(row)
    return torch.stack(rows, 2), state
