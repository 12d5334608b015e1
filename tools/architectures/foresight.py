"""Whether a trained model that should look back only says otherwise when later tokens change."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sandbox.errors import BadInput
from tools.architectures.backbone import Backbone
from tools.architectures.directions import looks_ahead

SHOWN = 32
"""Sequences that are tried."""
TOLERANCE = 1e-3
"""Of the largest logit: far above what sums in another order do to 32-bit floats."""


def check_blind(model: nn.Module, tokens: NDArray[np.int64], vocabulary: int) -> None:
    """Raise BadInput when a causal backbone's answers before a position change with what follows.

    tokens: (N, T), of which the first are tried. Other models, and those whose blocks say that they
    look ahead, are not asked.
    """
    if not isinstance(model, Backbone) or looks_ahead(model.architecture):
        return
    training = model.training
    model.eval()
    with torch.no_grad():
        shown = torch.from_numpy(tokens[:SHOWN]).to(next(model.parameters()).device)
        before: Tensor = model(shown)
        for cut in sorted({1, shown.shape[1] // 2, shown.shape[1] - 1} - {0}):
            after: Tensor = model(_changed(shown, cut, vocabulary))
            moved = _moved(before[:, :cut], after[:, :cut])
            if moved > TOLERANCE * max(1.0, float(before.nan_to_num(0.0, 0.0, 0.0).abs().max())):
                raise BadInput(
                    f"the trained model looks ahead: what it says before position {cut} changes "
                    f"by {moved:.1e} with the tokens that follow",
                    "a mixer may read earlier positions only",
                )
    model.train(training)


def _moved(before: Tensor, after: Tensor) -> float:
    """The largest change, infinite where a number became none or the other way round.

    A model that diverged says no numbers before and after, which is no change.
    """
    if not torch.equal(before.isfinite(), after.isfinite()):
        return math.inf
    return (
        float((after - before)[before.isfinite()].abs().amax()) if before.isfinite().any() else 0.0
    )


def _changed(tokens: Tensor, cut: int, vocabulary: int) -> Tensor:
    """Other tokens from the cut on, each different from what stood there."""
    draw = torch.Generator().manual_seed(cut)
    shift = torch.randint(1, max(2, vocabulary), tokens[:, cut:].shape, generator=draw)
    later = tokens.clone()
    later[:, cut:] = (later[:, cut:] + shift.to(tokens.device)) % vocabulary
    return later
