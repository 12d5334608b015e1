"""A linear recurrence of single features, over a whole sequence without a loop over positions."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as nnf


def linear_scan(decay: Tensor, added: Tensor) -> Tensor:
    """All h[t] = decay[t] h[t - 1] + added[t], from h[-1] = 0, by doubling.

    decay, added: (B, T, d), decay within [0, 1]. After a pass of reach r each position holds what
    the last 2 r positions brought; log2 T passes, no division and no logarithm, so nothing can
    overflow. Source: Hillis & Steele 1986.
    """
    reach, length = 1, added.shape[1]
    while reach < length:
        shift = (0, 0, reach, -reach)
        added = added + decay * nnf.pad(added, shift)
        reach, decay = 2 * reach, decay * nnf.pad(decay, shift) if 2 * reach < length else decay
    return added
