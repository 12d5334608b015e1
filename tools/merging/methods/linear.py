"""Weighted average of parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.errors import BadInput
from tools.merging.method import Parents, merge_method, weighted_sum

if TYPE_CHECKING:
    from torch import Tensor


@merge_method("linear", source="arXiv:2203.05482", normalised=True, selects=True)
def linear(parents: Parents, normalize: bool = True) -> Tensor:
    """Weighted average of the models' parameters.

    normalize: divide by the sum of weights. Raises BadInput when that sum is zero.
    Source: Wortsman et al. 2022, "Model soups".
    """
    total = weighted_sum(parents.models, parents.weights)
    if not normalize:
        return total
    size = sum(parents.weights)
    if abs(size) < 1e-8:
        raise BadInput("linear: the weights sum to zero", "change a weight or set normalize: false")
    return total / size
