"""Drop at random, rescale, then elect signs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.merging.method import Parents, PerModel, merge_method
from tools.merging.methods.ties import agreed

if TYPE_CHECKING:
    from torch import Tensor


@merge_method(
    "dare_ties", source="arXiv:2311.03099", needs_base=True, symmetric=False, selects=True
)
def dare_ties(
    parents: Parents,
    density: PerModel = 1.0,
    normalize: bool = False,
    rescale: bool = True,
    lambda_: float = 1.0,
) -> Tensor:
    """Keep a random share of each task vector, restore its size, merge by elected signs.

    density: chance of an entry to be kept. rescale: give what is left the L1 norm of the whole.
    Source: Yu et al. 2024, "Language models are super Mario" (DARE), with the signs of TIES
    (arXiv:2306.01708).
    """
    shares = parents.each(density)
    kept = [
        _drop(parents, place, tau, share, rescale)
        for place, (tau, share) in enumerate(zip(parents.task_vectors(), shares, strict=True))
    ]
    return parents.ancestor + lambda_ * agreed(kept, parents.weights, normalize)


def _drop(parents: Parents, place: int, tau: Tensor, density: float, rescale: bool) -> Tensor:
    import torch

    if density >= 1.0 or tau.numel() == 0:
        return tau
    keep = torch.rand(tau.shape, generator=parents.generator(place)) < density
    left = tau * keep
    size = left.abs().sum()
    if not rescale or float(size) == 0.0:
        return left
    return left * (tau.abs().sum() / size)
