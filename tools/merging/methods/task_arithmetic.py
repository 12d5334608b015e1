"""Sums of task vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.merging.method import Parents, merge_method, weighted_sum

if TYPE_CHECKING:
    from torch import Tensor


@merge_method("task_arithmetic", source="arXiv:2212.04089", needs_base=True, selects=True)
def task_arithmetic(parents: Parents, normalize: bool = False, lambda_: float = 1.0) -> Tensor:
    """Base plus a weighted sum of what each model learned since.

    normalize: divide the sum by the sum of weights. lambda_: factor of the whole sum.
    Source: Ilharco et al. 2023, "Editing models with task arithmetic".
    """
    change = weighted_sum(parents.task_vectors(), parents.weights)
    size = sum(parents.weights) if normalize else 1.0
    return parents.ancestor + change * (lambda_ / (size or 1.0))
