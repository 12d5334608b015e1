"""The linear recurrence under linear attention and its kin, all positions at once or one by one.

    S_t = diag(a_t) S_{t-1} + k_t v_t^T        y_t = S_t^T q_t

a_t in (0, 1] is given as its logarithm: a vector over key features, or one number a head. Positions
are cut into chunks: products of matrices within a chunk, the recurrence between chunks (Hua et al.
2022, arXiv:2202.10447; Yang et al. 2023, arXiv:2312.06635; Dao & Gu 2024, arXiv:2405.21060).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as nnf

SCALAR_CHUNK = 32
VECTOR_CHUNK = 16
SCALAR_FLOOR = -20.0
"""e^-20 of a memory is lost in single precision beside anything new; sums of logarithms further
below would round away the slow decays near them."""
VECTOR_FLOOR = -10.0
"""Forgetting all but e^-10 in one position is as good as forgetting all, and half a chunk of it
still has an exponential in single precision."""


@dataclass(frozen=True)
class Kernel:
    """A product of features that is cheaper from the product of what the features are made of.

    features: (..., k) -> (..., many); of_product: the features' inner product, given the inputs'.
    """

    features: Callable[[Tensor], Tensor]
    of_product: Callable[[Tensor], Tensor]


PLAIN = Kernel(lambda x: x, lambda product: product)


def recur(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    log_decay: Tensor,
    chunk: int = 0,
    kernel: Kernel = PLAIN,
) -> Tensor:
    """All positions at once, from an empty state.

    query, key: (B, heads or 1, T, k); value: (B, heads, T, v); log_decay: at most zero, below its
    floor counting as that, (B or 1, heads or 1, T or 1, k or 1). chunk: positions in one, 0 for a
    fast choice; at most VECTOR_CHUNK for a vector decay. kernel: only with one decay a head.
    Returns (B, heads, T, v).
    """
    length, vector = query.shape[2], log_decay.shape[-1] > 1
    size = min(chunk or (VECTOR_CHUNK if vector else SCALAR_CHUNK), length)
    log_decay = _bounded(log_decay).expand(-1, -1, length, -1)
    query, key, value, log_decay = (_cut(x, size) for x in (query, key, value, log_decay))
    passed = log_decay.cumsum(-2)
    if vector:
        mixed = _vector_weights(query, key, passed) @ value
    else:
        mixed = _weights(query, key, passed, kernel) @ value
    if length > size:
        query, key = kernel.features(query), kernel.features(key)
        mixed = mixed + (query * passed.exp()) @ _states(key, value, passed)[0]
    return mixed.flatten(2, 3)[:, :, :length]


def recur_on(
    query: Tensor, key: Tensor, value: Tensor, log_decay: Tensor, state: Tensor
) -> tuple[Tensor, Tensor]:
    """All positions of a chunk at once, as of `recur`, from a state (B, heads, k, v), and the next.

    Returns (B, heads, T, v) and the state after the last position.
    """
    length, vector = query.shape[2], log_decay.shape[-1] > 1
    size = min(VECTOR_CHUNK if vector else SCALAR_CHUNK, length)
    log_decay = _bounded(log_decay).expand(-1, -1, length, -1)
    query, key, value, log_decay = (_cut(x, size) for x in (query, key, value, log_decay))
    passed = log_decay.cumsum(-2)
    weights = _vector_weights(query, key, passed) if vector else _weights(query, key, passed, PLAIN)
    before, after = _states(key, value, passed, state)
    mixed = weights @ value + (query * passed.exp()) @ before
    return mixed.flatten(2, 3)[:, :, :length], after


def recur_once(
    query: Tensor, key: Tensor, value: Tensor, log_decay: Tensor, state: Tensor
) -> tuple[Tensor, Tensor]:
    """One position: query, key (B, heads or 1, k), value (B, heads, v), state (B, heads, k, v)."""
    kept = _bounded(log_decay).exp()
    state = kept[..., None] * state + key[..., None] * value[..., None, :]
    return (query[..., None, :] @ state)[..., 0, :], state


def _bounded(log_decay: Tensor) -> Tensor:
    return log_decay.clamp(min=VECTOR_FLOOR if log_decay.shape[-1] > 1 else SCALAR_FLOOR)


def _cut(x: Tensor, size: int) -> Tensor:
    """(B, heads, T, d) -> (B, heads, chunks, size, d), zeros at the end."""
    batch, heads, length, features = x.shape
    missing = -length % size
    padded = nnf.pad(x, (0, 0, 0, missing)) if missing else x
    return padded.reshape(batch, heads, -1, size, features)


def _later(passed: Tensor) -> Tensor:
    size = passed.shape[-2]
    return torch.ones(size, size, dtype=torch.bool, device=passed.device).triu(1)


def _weights(query: Tensor, key: Tensor, passed: Tensor, kernel: Kernel) -> Tensor:
    """What each position reads of each earlier one of its chunk, one decay a head."""
    between = passed - passed.transpose(-1, -2)
    kept = between.masked_fill(_later(passed), -torch.inf).exp()
    return kernel.of_product(query @ key.transpose(-1, -2)) * kept


def _vector_weights(query: Tensor, key: Tensor, passed: Tensor) -> Tensor:
    """The same with one decay a feature, counted from the chunk's middle to stay in range."""
    since = passed - passed[..., passed.shape[-2] // 2, None, :]
    weights = (query * since.exp()) @ (key * (-since).exp()).transpose(-1, -2)
    return weights.masked_fill(_later(passed), 0)


def _states(
    key: Tensor, value: Tensor, passed: Tensor, state: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """The state before each chunk, (B, heads, chunks, k, v), and after the last.

    state: before the first, None for an empty one.
    """
    last = passed[..., -1:, :]
    written = (key * (last - passed).exp()).transpose(-1, -2) @ value
    kept = last.exp().transpose(-1, -2).expand(-1, -1, key.shape[2], -1, -1)
    state, before = torch.zeros_like(written[:, :, 0]) if state is None else state, []
    for writes, keeps in zip(written.unbind(2), kept.unbind(2), strict=True):
        before.append(state)
        state = keeps * state + writes
    return torch.stack(before, 2), state
