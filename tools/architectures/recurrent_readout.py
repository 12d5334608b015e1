"""What a continuous thought machine is held against: an LSTM, and no recurrence at all.

Both speak the same language: tokens to logits (B, ticks, classes) and certainties (B, ticks).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from tools.architectures.certainty import certainty, separated
from tools.architectures.gaze import Gaze, new_front
from tools.architectures.ticks import Ticks


class RecurrentReadout(nn.Module):
    """An LSTM that asks the same attention at every tick and answers from its hidden state.

    The baseline of arXiv:2505.05522: synapses, neuron models and synchronisation are one LSTM cell
    of `neurons` units.
    """

    def __init__(
        self, spec: Ticks, vocabulary: int, length: int, classes: int, answers: int = 1
    ) -> None:
        """Of the spec it takes neurons, ticks, width, heads, front, spread, dropout."""
        super().__init__()
        self.spec, self.answers = spec, answers
        units, bound = spec.neurons, 1 / math.sqrt(spec.neurons)
        self.gaze = Gaze(spec, vocabulary, length, units)
        self.dropout = nn.Dropout(spec.dropout)
        self.cell = nn.LSTMCell(spec.width, units)
        self.hidden = nn.Parameter(torch.empty(units).uniform_(-bound, bound))
        self.carry = nn.Parameter(torch.empty(units).uniform_(-bound, bound))
        self.head = nn.Linear(units, answers * classes)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T) -> logits (B, ticks, classes), certainties (B, ticks)."""
        scene, batch = self.gaze.look(tokens), len(tokens)
        hidden, carry = self.hidden.expand(batch, -1), self.carry.expand(batch, -1)
        states = []
        for _ in range(self.spec.ticks):
            seen = self.dropout(self.gaze(hidden, scene))
            hidden, carry = self.cell(seen, (hidden, carry))
            states.append(hidden)
        return _answered(self.head(torch.stack(states, 1)), self.answers)


class Feedforward(nn.Module):
    """The embedded tokens side by side through one hidden layer: a single tick, no recurrence."""

    def __init__(
        self, spec: Ticks, vocabulary: int, length: int, classes: int, answers: int = 1
    ) -> None:
        """Of the spec it takes neurons (hidden units), width, front, spread, dropout."""
        super().__init__()
        self.spec, self.answers = spec, answers
        self.front = new_front(spec, vocabulary, length)
        self.dropout = nn.Dropout(spec.dropout)
        self.first = nn.Linear(spec.width * self.front.places, spec.neurons)
        self.head = nn.Linear(spec.neurons, answers * classes)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """(B, length) -> logits (B, 1, classes), certainties (B, 1)."""
        seen = self.dropout(self.front(tokens).flatten(1))
        return _answered(self.head(nnf.gelu(self.first(seen)))[:, None], self.answers)


def _answered(logits: Tensor, answers: int) -> tuple[Tensor, Tensor]:
    logits = separated(logits, answers)
    return logits, certainty(logits)
