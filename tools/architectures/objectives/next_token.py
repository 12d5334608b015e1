"""The next token, or the answer, at each asked position."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from tools.architectures.adapter import Adapter
from tools.architectures.architecture import Architecture
from tools.architectures.backbone import Backbone
from tools.architectures.foreign import Foreign
from tools.architectures.left_to_right import LeftToRight, asked_nats, refuse_peeking
from tools.architectures.objective import objective
from tools.tasks.sequence import NOT_ASKED


@objective("next_token", source="arXiv:1409.3215", likelihood="exact")
class NextToken(LeftToRight):
    """Cross-entropy of what should be said at each position.

    on: `asked` learns the asked targets; `next` every next token, whatever is asked (the training
    loss of MAD's recall tasks, arXiv:2403.17844).
    """

    def __init__(self, on: Literal["asked", "next"] = "asked") -> None:
        self.on = on

    def model(self, architecture: Architecture, vocabulary: int, outputs: int = 0) -> nn.Module:
        """A plain Backbone."""
        return Backbone(architecture, vocabulary, outputs)

    def foreign(self, candidate: Foreign, vocabulary: int, outputs: int = 0) -> nn.Module:
        """A model of the transformers library."""
        return Adapter(candidate, vocabulary, outputs)

    def loss(
        self, model: nn.Module, tokens: Tensor, targets: Tensor, draw: torch.Generator
    ) -> Tensor:
        """Mean nats. Raises BadInput for a model that could look its next tokens up."""
        wanted = next_tokens(tokens) if self.on == "next" else targets
        refuse_peeking(model, tokens, wanted)
        return asked_nats(model(tokens), wanted)


def next_tokens(tokens: Tensor) -> Tensor:
    """(B, T): what follows each token, nothing asked of the last."""
    return nnf.pad(tokens[:, 1:], (0, 1), value=NOT_ASKED)
