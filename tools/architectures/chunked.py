"""Recurrences of a matrix state over whole sequences: chunks of positions by matrix products.

Within a chunk everything is a masked product; between chunks only the state passes on. The results
are those of `tools.architectures.recurrences`, whatever the chunk's size. States that only fade and
are added to have `tools.architectures.linear_recurrence`. Decays stay logarithms:
every exponential is of a sum that cannot be positive, or of a bounded one where that is said.

query, key: (B, H, T, dk); value: (B, H, T, dv); state: (B, H, dk, dv), None for zeros. Each
function answers with the outputs (B, H, T, dv) and the state after the last position.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as nnf

CHUNK = 32


def chunked_delta(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    rate: Tensor,
    log_decay: Tensor,
    *,
    state: Tensor | None = None,
    chunk: int = CHUNK,
) -> tuple[Tensor, Tensor]:
    """The (gated) delta rule: what a key held is replaced, by a share `rate`.

    rate, log_decay: (B, H, T); log_decay at most 0, all zeros for the plain delta rule. Within a
    chunk the corrections v - S^T k depend on the earlier ones: a unit triangular system (the WY
    form of a product of Householder-like matrices), solved for all chunks at once.
    Source: Yang et al. 2024, arXiv:2406.06484; with decay arXiv:2412.06464.
    """
    length = value.shape[2]
    query, key, value, rate, log_decay = (
        _into_chunks(part, chunk) for part in (query, key, value, rate, log_decay)
    )
    since = log_decay.cumsum(-1)
    between = _between(since)
    rated, grown = rate[..., None] * key, since.exp()[..., None]
    fresh, stale = _solved((rated @ key.mT) * between, rate[..., None] * value, rated * grown)
    kept = key * _until_end(since)
    total = since[..., -1].exp()[..., None, None] * _identity(key)
    before, state = _passed_on(total - kept.mT @ stale, kept.mT @ fresh, state)
    written = fresh - stale @ before
    output = ((query @ key.mT) * between) @ written + (query * grown) @ before
    return output.flatten(2, 3)[:, :, :length], state


def chunked_diagonal_delta(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    removed: Tensor,
    written: Tensor,
    log_decay: Tensor,
    *,
    state: Tensor | None = None,
    chunk: int = CHUNK,
) -> tuple[Tensor, Tensor]:
    """The generalised delta rule of RWKV-7: a decay a feature, and a removal apart from the write.

    removed, written: (B, H, T, dk). log_decay: (B, H, T, dk), at most 0 and at least -1: a decay
    between two positions is a quotient of decays from the chunk's middle, which stay within
    exp(+-chunk / 2). chunk: at most 128. Source: Peng et al. 2025, arXiv:2503.14456.
    """
    length = value.shape[2]
    query, key, value, removed, written, log_decay = (
        _into_chunks(part, chunk) for part in (query, key, value, removed, written, log_decay)
    )
    since = log_decay.cumsum(-2)
    middle, end = since[..., chunk // 2, :, None], since[..., -1, :, None]
    since = since - middle.mT
    removed, earlier = removed * (since - log_decay).exp(), (-since).exp()
    query, key, written = query * since.exp(), key * earlier, written * earlier
    readers, sources = torch.cat((query, removed), -2), torch.cat((key, written), -2)
    reads, removals = ((readers @ sources.mT) * _earlier_than(chunk, value)).chunk(2, -2)
    of_keys, of_written = removals.chunk(2, -1)
    fresh, stale = _solved(of_written, of_keys @ value, removed)
    added = sources.mT @ torch.cat((value, -fresh), -2)
    total = (end - middle).exp() * (_identity(key) - written.mT @ stale) * middle.exp().mT
    before, state = _passed_on(total, (end - middle).exp() * added, state)
    before = middle.exp() * before
    news = torch.cat((value, -(fresh + stale @ before)), -2)
    output = reads @ news + query @ before
    return output.flatten(2, 3)[:, :, :length], state


def _into_chunks(x: Tensor, size: int) -> Tensor:
    """(B, H, T, ...) -> (B, H, N, size, ...). Zeros fill the end: no decay, nothing written."""
    missing = -x.shape[2] % size
    padded = nnf.pad(x, (0, 0) * (x.dim() - 3) + (0, missing)) if missing else x
    return padded.reshape(*x.shape[:2], -1, size, *x.shape[3:]).contiguous()


def _between(since: Tensor) -> Tensor:
    """Decay from position j to i of a chunk, 0 where j is later: (..., C) -> (..., C, C)."""
    return (since[..., :, None] - since[..., None, :]).tril().exp().tril()


def _solved(system: Tensor, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """(I + the part of `system` below its diagonal)^-1 times each of the two."""
    solved = torch.linalg.solve_triangular(
        system, torch.cat((first, second), -1), upper=False, unitriangular=True
    )
    first, second = solved.split_with_sizes((first.shape[-1], second.shape[-1]), -1)
    return first, second


def _earlier_than(size: int, like: Tensor) -> Tensor:
    """1 where a reader may see a source: queries their own position, removals earlier ones only.

    (2 size, 2 size): rows are queries then removals, columns are keys then written.
    """
    seen = torch.ones(size, size, dtype=like.dtype, device=like.device).tril()
    return torch.cat((seen, seen.tril(-1))).repeat(1, 2)


def _until_end(since: Tensor) -> Tensor:
    """Decay from each position to the chunk's end: (..., C) -> (..., C, 1)."""
    return (since[..., -1:] - since).exp()[..., None]


def _identity(key: Tensor) -> Tensor:
    return torch.eye(key.shape[-1], dtype=key.dtype, device=key.device)


def _passed_on(total: Tensor, added: Tensor, state: Tensor | None) -> tuple[Tensor, Tensor]:
    """The states before each chunk, (B, H, N, dk, dv), and the one after the last.

    total: (B, H, N, dk, dk), what a chunk makes of the state it finds.
    """
    if state is None:
        state = torch.zeros_like(added[:, :, 0])
    before = []
    for n in range(added.shape[2]):
        before.append(state)
        state = total[:, :, n] @ state + added[:, :, n]
    return torch.stack(before, 2), state
