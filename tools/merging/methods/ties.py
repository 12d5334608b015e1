"""Trim, elect sign, merge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.merging.method import Parents, PerModel, merge_method

if TYPE_CHECKING:
    from torch import Tensor


@merge_method("ties", source="arXiv:2306.01708", needs_base=True, normalised=True, selects=True)
def ties(
    parents: Parents, density: PerModel = 1.0, normalize: bool = True, lambda_: float = 1.0
) -> Tensor:
    """Keep each task vector's largest entries, elect signs, average the entries that agree.

    density: share of entries kept, by magnitude. normalize: divide by the weights of the models
    that agree. Source: Yadav et al. 2023, "TIES-Merging".
    """
    kept = [
        largest(tau, share)
        for tau, share in zip(parents.task_vectors(), parents.each(density), strict=True)
    ]
    return parents.ancestor + lambda_ * agreed(kept, parents.weights, normalize)


def largest(tau: Tensor, density: float) -> Tensor:
    """Zero all but the max(1, int(density * n)) entries of largest magnitude."""
    import torch

    if density >= 1.0 or tau.numel() == 0:
        return tau
    flat = tau.flatten()
    top = flat.abs().topk(max(1, int(density * flat.numel()))).indices
    return torch.zeros_like(flat).index_copy(0, top, flat[top]).view_as(tau)


def agreed(taus: list[Tensor], weights: tuple[float, ...], normalize: bool) -> Tensor:
    """Sum of weighted entries that have the elected sign; a sum of zero elects plus."""
    import torch

    weighed = torch.stack([tau * weight for tau, weight in zip(taus, weights, strict=True)])
    sign = torch.where(weighed.sum(0) >= 0, 1.0, -1.0)
    agree = (weighed.sign() == sign).float()
    total = (weighed * agree).sum(0)
    if not normalize:
        return total
    shape = (-1,) + (1,) * (weighed.dim() - 1)
    share = (agree * torch.tensor(weights).view(shape)).sum(0)
    return total / torch.where(share.abs() < 1e-8, 1.0, share)
