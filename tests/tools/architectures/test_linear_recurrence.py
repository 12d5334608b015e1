"""The chunked recurrence against the recurrence itself."""

from functools import partial

import pytest
import torch
from torch import Tensor

from tools.architectures.linear_recurrence import VECTOR_CHUNK, VECTOR_FLOOR, recur, recur_once

torch.set_num_threads(1)
Parts = tuple[Tensor, Tensor, Tensor, Tensor]


def parts(decay_shape: tuple[int, ...], length: int = 37, strength: float = 1.0) -> Parts:
    draw = torch.Generator().manual_seed(0)
    shapes = ((2, 3, length, 4), (2, 3, length, 4), (2, 3, length, 5))
    query, key, value = (
        torch.randn(shape, generator=draw, dtype=torch.float64, requires_grad=True)
        for shape in shapes
    )
    decay = torch.rand(decay_shape, generator=draw, dtype=torch.float64) * -strength
    return query, key, value, decay.requires_grad_()


def one_by_one(query: Tensor, key: Tensor, value: Tensor, log_decay: Tensor) -> Tensor:
    state = query.new_zeros(*key.shape[:2], key.shape[-1], value.shape[-1])
    decays, rows = log_decay.expand(-1, -1, query.shape[2], -1), []
    for t in range(query.shape[2]):
        row, state = recur_once(
            query[:, :, t], key[:, :, t], value[:, :, t], decays[:, :, t], state
        )
        rows.append(row)
    return torch.stack(rows, 2)


@pytest.mark.parametrize("chunk", [0, 1, 4, 8])
@pytest.mark.parametrize(
    "decay_shape",
    [(1, 1, 1, 1), (1, 3, 1, 1), (2, 3, 37, 1), (2, 3, 37, 4), (1, 1, 1, 4)],
    ids=["one", "a head", "a position", "a feature", "a still feature"],
)
def test_chunks_change_neither_values_nor_gradients(
    decay_shape: tuple[int, ...], chunk: int
) -> None:
    found: list[list[Tensor]] = []
    for compute in (partial(recur, chunk=chunk), one_by_one):
        given = parts(decay_shape)
        y = compute(*given)
        torch.autograd.backward(y.square().sum())
        found.append([y.detach(), *(p.grad for p in given if p.grad is not None)])
    for fast, plain in zip(*found, strict=True):
        assert torch.allclose(fast, plain, atol=1e-9)
    assert len(found[0]) == 5


@pytest.mark.parametrize("features", [1, 4])
def test_decay_of_any_strength_stays_finite_and_exact_in_single_precision(features: int) -> None:
    exact = parts((2, 3, 37, features), strength=50.0)
    query, key, value, decay = (part.detach().float().requires_grad_() for part in exact)
    y = recur(query, key, value, decay)
    torch.autograd.backward(y.sum())
    assert torch.allclose(y.double(), one_by_one(*exact), atol=1e-4)
    for part in (query, key, value, decay):
        assert part.grad is not None
        assert part.grad.isfinite().all()


def test_the_floor_leaves_room_in_single_precision() -> None:
    assert torch.tensor(-VECTOR_FLOOR * VECTOR_CHUNK / 2).exp().isfinite()
