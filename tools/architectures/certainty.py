"""When a model that thinks in ticks is sure, what it then answers, and what it is trained on."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as nnf

from sandbox.errors import BadInput
from tools.tasks.sequence import NOT_ASKED


def separated(logits: Tensor, answers: int) -> Tensor:
    """(..., answers * classes) -> (..., answers, classes), or as it is for a single answer."""
    return logits.view(*logits.shape[:-1], answers, -1) if answers > 1 else logits


def certainty(logits: Tensor) -> Tensor:
    """1 - entropy / log(classes), in [0, 1], the mean over answers where there are several.

    (B, ticks, classes) or (B, ticks, answers, classes) -> (B, ticks).
    """
    logs = logits.log_softmax(-1)
    sure = 1 + (logs.exp() * logs).sum(-1) / math.log(max(2, logits.shape[-1]))
    return sure.flatten(2).mean(2) if sure.dim() > 2 else sure


def tick_loss(logits: Tensor, certainties: Tensor, targets: Tensor) -> Tensor:
    """Mean of the cross-entropies at the tick of least loss and at the most certain tick.

    logits: (B, ticks, classes) with targets (B,), or (B, ticks, answers, classes) with (B,
    answers); certainties: (B, ticks). Each sequence has ticks of its own, the same for all of its
    answers; the choice carries no gradient. Source: arXiv:2505.05522.
    """
    wanted = targets[:, None].expand(logits.shape[:-1])
    losses = nnf.cross_entropy(logits.flatten(0, -2), wanted.flatten(), reduction="none")
    losses = losses.view(*logits.shape[:2], -1).mean(2)
    surest = losses.gather(1, certainties.argmax(1, keepdim=True))
    return (losses.min(1).values.mean() + surest.mean()) / 2


def every_tick_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy over all ticks, for the first steps of a training.

    Shapes as for `tick_loss`, which a model can also lower by answering one class early and another
    late: with two classes it then stays at chance. Before it has learned anything, this cannot.
    """
    wanted = targets[:, None].expand(logits.shape[:-1])
    return nnf.cross_entropy(logits.flatten(0, -2), wanted.flatten())


def answer(logits: Tensor, certainties: Tensor) -> Tensor:
    """The classes at the most certain tick: (B, ticks, ..., classes) -> (B, ...)."""
    rows = torch.arange(len(logits), device=logits.device)
    return logits[rows, certainties.argmax(1)].argmax(-1)


def asked(targets: Tensor) -> Tensor:
    """What is asked: (B, T) with NOT_ASKED elsewhere -> (B,), or (B, answers) for several.

    Raises BadInput unless every sequence is asked at the same positions.
    """
    wanted = targets != NOT_ASKED
    if not (wanted == wanted[:1]).all() or not wanted[0].any():
        raise BadInput(
            "sequences are asked at different positions",
            "give a thinking model a task that asks at the same positions of each sequence",
        )
    return targets[:, wanted[0]].squeeze(1)
