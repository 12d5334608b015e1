"""What a model says at the asked positions, and how well that fits known targets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tools.tasks.sequence import NOT_ASKED, Batch

ROWS = 256
"""Sequences of one forward pass."""


@dataclass(frozen=True)
class Fit:
    """How a model does on known targets, over all asked positions.

    accuracy: in [0, 1]. cross_entropy: in nats, infinite when the model says no numbers. in_bits:
    of a task that is scored in bits, where the cross-entropy decides.
    """

    accuracy: float
    cross_entropy: float
    in_bits: bool = False

    def beats(self, other: Fit) -> bool:
        """Higher accuracy, or the same with a lower cross-entropy; in bits the other way round."""
        mine, its = ((fit.accuracy, -fit.cross_entropy) for fit in (self, other))
        return mine[::-1] > its[::-1] if self.in_bits else mine > its


def predict(model: nn.Module, batch: Batch) -> NDArray[np.int64]:
    """The likeliest class at each asked position, NOT_ASKED elsewhere: (N, T).

    Only where `batch.targets` asks is read of them, so any number in place of the answer will do.
    """
    said = np.full(batch.targets.shape, NOT_ASKED, dtype=np.int64)
    for rows, logits, asked in _forward(model, batch):
        part = said[rows]
        part[asked] = logits.argmax(-1).cpu().numpy()
        said[rows] = part
    return said


def predict_logits(model: nn.Module, batch: Batch) -> list[NDArray[np.float32]]:
    """Logits at the asked positions of each sequence, in order: N arrays (asked, classes)."""
    found: list[NDArray[np.float32]] = []
    for _, logits, asked in _forward(model, batch):
        ends = np.cumsum(asked.sum(1))[:-1]
        found += np.split(logits.float().cpu().numpy(), ends)
    return found


def fit(model: nn.Module, batch: Batch) -> Fit:
    """Accuracy and mean cross-entropy over all asked positions."""
    right, nats, count = 0, 0.0, 0
    for rows, logits, asked in _forward(model, batch):
        answers = torch.from_numpy(batch.targets[rows][asked]).to(logits.device)
        right += int((logits.argmax(-1) == answers).sum())
        nats += float(nn.functional.cross_entropy(logits.double(), answers, reduction="sum"))
        count += len(answers)
    mean = nats / count
    return Fit(right / count, mean if np.isfinite(mean) else float("inf"))


def _forward(model: nn.Module, batch: Batch) -> Iterator[tuple[slice, Tensor, NDArray[np.bool_]]]:
    """Rows, their logits at asked positions (asked, classes), and which were asked (rows, T)."""
    device = next(model.parameters()).device
    training = model.training
    model.eval()
    with torch.no_grad():
        for start in range(0, len(batch), ROWS):
            rows = slice(start, start + ROWS)
            asked = batch.targets[rows] != NOT_ASKED
            logits = model(torch.from_numpy(batch.tokens[rows]).to(device))
            yield rows, logits[torch.from_numpy(asked).to(device)], asked
    model.train(training)
