"""A text to be filled in, from tokens and their next tokens."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as nnf

from sandbox.errors import BadInput
from tools.tasks.sequence import NOT_ASKED


@dataclass(frozen=True)
class Passage:
    """tokens: (B, L). asked: (B, L), which of them are to be learned; the others are given."""

    tokens: Tensor
    asked: Tensor


def follows(tokens: Tensor, targets: Tensor) -> bool:
    """Whether every asked target is the token that comes next. (B, T) both."""
    asked = targets[:, :-1] != NOT_ASKED
    return bool((targets[:, :-1] == tokens[:, 1:])[asked].all())


def passage(tokens: Tensor, targets: Tensor) -> Passage:
    """The text that the targets continue: L = T + 1, or T where the last target is not asked.

    A token is learned when it is somebody's asked next token; with nothing asked, all are.
    Raises BadInput when the targets are not next tokens: labels cannot be filled in.
    """
    if not bool((targets != NOT_ASKED).any()):
        return Passage(tokens, torch.ones_like(tokens, dtype=torch.bool))
    if not follows(tokens, targets):
        raise BadInput(
            "the targets are not the tokens that follow, so there is no text to fill in",
            "use next_token for this task, or a task of texts",
        )
    asked = nnf.pad(targets != NOT_ASKED, (1, 0))
    last = targets[:, -1:]
    if bool((last == NOT_ASKED).any()):
        return Passage(tokens, asked[:, :-1])
    return Passage(torch.cat((tokens, last), 1), asked)
