"""An objective of one's own: cross-entropy that dwells on the answers that are not yet right."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from sandbox.errors import BadInput
from tools.architectures.objective import objective
from tools.architectures.objectives.next_token import NextToken
from tools.tasks.sequence import NOT_ASKED


@objective("hard_answers", source="arXiv:1708.02002", likelihood="exact")
class HardAnswers(NextToken):
    """The focal loss: an answer counts by the probability that it was not given.

    focus: how much; zero is plain cross-entropy.
    """

    def __init__(self, focus: float = 1.0) -> None:
        super().__init__()
        if focus < 0:
            raise BadInput(f"hard_answers: focus: {focus} is below zero", "use 0.5 to 2")
        self.focus = focus

    def loss(
        self, model: nn.Module, tokens: Tensor, targets: Tensor, draw: torch.Generator
    ) -> Tensor:
        """Mean nats of the asked answers, each weighted. tokens, targets: (B, T)."""
        asked = targets != NOT_ASKED
        nats = nnf.cross_entropy(model(tokens)[asked], targets[asked], reduction="none")
        missing = -torch.expm1(-nats).clamp_max(-1e-6)
        return (missing**self.focus * nats).sum() / asked.sum().clamp_min(1)
