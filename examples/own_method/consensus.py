"""A merge method of one's own: task vectors count where they agree on the direction."""

from __future__ import annotations

import torch
from torch import Tensor

from tools.merging.method import Parents, merge_method, weighted_sum


@merge_method("consensus", source="an example of Hanji", needs_base=True, selects=True)
def consensus(parents: Parents, doubt: float = 0.5) -> Tensor:
    """Add weighted task vectors, and shrink the entries on whose sign the models disagree.

    doubt: how much a full disagreement takes away, from 0 (plain task arithmetic) to 1.
    """
    weighed = [
        tau * weight for tau, weight in zip(parents.task_vectors(), parents.weights, strict=True)
    ]
    size = torch.stack([part.abs() for part in weighed]).sum(0)
    change = weighted_sum(weighed, (1.0,) * len(weighed))
    agreement = change.abs() / torch.where(size == 0, 1.0, size)
    return parents.ancestor + change * (1.0 - doubt * (1.0 - agreement))
