"""A model that thinks in ticks, asked like any other: it answers at the tick it is surest of."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from tools.architectures.certainty import asked, every_tick_loss, tick_loss
from tools.architectures.ctm import ContinuousThought
from tools.architectures.recurrent_readout import Feedforward, RecurrentReadout
from tools.architectures.ticks import Thinking, Ticks

THINKERS: Mapping[Thinking, type[nn.Module]] = {
    "machine": ContinuousThought,
    "lstm": RecurrentReadout,
    "mlp": Feedforward,
}


class Thinker(nn.Module):
    """Tokens to one answer a sequence, said at every position: the task asks at one of them."""

    def __init__(self, spec: Ticks, vocabulary: int, length: int, classes: int) -> None:
        """length: tokens of the longest input. Raises BadInput when it does not fit the front."""
        super().__init__()
        self.spec = spec
        self.inner: nn.Module = THINKERS[spec.thinker](spec, vocabulary, length, classes)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T) -> logits (B, T, classes), those of each sequence's most certain tick."""
        logits, certainties = self.inner(tokens)
        rows = torch.arange(len(tokens), device=tokens.device)
        surest: Tensor = logits[rows, certainties.argmax(1)]
        return surest[:, None].expand(-1, tokens.shape[1], -1)


def asked_tick_loss(
    model: nn.Module, tokens: Tensor, targets: Tensor, draw: torch.Generator
) -> Tensor:
    """`tick_loss` of a Thinker in the trainer's form: targets (B, T), asked once a sequence."""
    logits, certainties = _thought(model, tokens)
    return tick_loss(logits, certainties, asked(targets))


def asked_every_tick_loss(
    model: nn.Module, tokens: Tensor, targets: Tensor, draw: torch.Generator
) -> Tensor:
    """`every_tick_loss` of a Thinker in the trainer's form."""
    logits, _ = _thought(model, tokens)
    return every_tick_loss(logits, asked(targets))


def _thought(model: nn.Module, tokens: Tensor) -> tuple[Tensor, Tensor]:
    assert isinstance(model, Thinker)
    logits, certainties = model.inner(tokens)
    return logits, certainties
