"""The next token, or the answer, at each asked position."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from sandbox.errors import BadInput
from tools.architectures import decode
from tools.architectures.adapter import Adapter
from tools.architectures.architecture import Architecture
from tools.architectures.backbone import Backbone
from tools.architectures.decode import Generated, Reading, Sampling
from tools.architectures.directions import looks_ahead
from tools.architectures.foreign import Foreign
from tools.architectures.objective import objective
from tools.architectures.passage import follows
from tools.tasks.sequence import NOT_ASKED


@objective("next_token", source="arXiv:1409.3215", likelihood="exact")
class NextToken:
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


def next_tokens(tokens: Tensor) -> Tensor:
    """(B, T): what follows each token, nothing asked of the last."""
    return nnf.pad(tokens[:, 1:], (0, 1), value=NOT_ASKED)


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
