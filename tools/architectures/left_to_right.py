"""What objectives share whose models say one token after the other."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from sandbox.errors import BadInput
from tools.architectures import decode
from tools.architectures.architecture import Architecture
from tools.architectures.decode import Generated, Reading, Sampling
from tools.architectures.directions import looks_ahead
from tools.architectures.passage import follows
from tools.tasks.sequence import NOT_ASKED


class LeftToRight:
    """An exact likelihood, a cache to read into, and a token a pass."""

    def bits(
        self, model: nn.Module, tokens: Tensor, targets: Tensor, draw: torch.Generator
    ) -> Tensor:
        """Exact, over the asked targets."""
        refuse_peeking(model, tokens, targets)
        return asked_nats(model(tokens), targets) / math.log(2)

    def read(self, model: nn.Module, prompt: Tensor) -> Reading:
        """Into the cache."""
        return decode.read(model, prompt)

    def write(
        self, model: nn.Module, reading: Reading, length: int, draw: torch.Generator, how: Sampling
    ) -> Generated:
        """One token a pass, from left to right."""
        return decode.write(model, reading, length, draw, how.temperature)


def asked_nats(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy over the asked positions; zero when there is none. (B, T, V), (B, T)."""
    total = nnf.cross_entropy(
        logits.flatten(0, -2), targets.flatten(), ignore_index=NOT_ASKED, reduction="sum"
    )
    return total / (targets != NOT_ASKED).sum().clamp_min(1)


def refuse_peeking(model: nn.Module, tokens: Tensor, targets: Tensor) -> None:
    """Raise BadInput when the targets stand in the text and the model sees ahead."""
    architecture = getattr(model, "architecture", None)
    if isinstance(architecture, Architecture) and looks_ahead(architecture):
        inside = targets[:, :-1] != NOT_ASKED
        if bool(inside.any()) and follows(tokens, targets):
            raise BadInput(
                "the model sees later tokens, which are the targets",
                "use causal mixers for next tokens, or a diffusion objective",
            )
