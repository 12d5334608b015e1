"""The continuous thought machine: neurons with a memory, read by how they move together.

At every internal tick the neurons' synchronisation asks the input a question, the synapses mix the
neurons with what was seen, each neuron's own model turns its recent pre-activations into an
activation, and the synchronisation so far gives an answer.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from tools.architectures.certainty import answer, certainty, separated, tick_loss
from tools.architectures.gaze import Gaze
from tools.architectures.neuron_models import NeuronModels, plain_neuron_models
from tools.architectures.synapses import new_synapses
from tools.architectures.synchronisation import Momentary, Synchronisation, plain_synchronisation
from tools.architectures.ticks import Ticks

__all__ = ["ContinuousThought", "Ticks", "answer", "plain_thought", "tick_loss"]


class ContinuousThought(nn.Module):
    """Tokens to an answer at every tick, and how certain it is (arXiv:2505.05522)."""

    def __init__(
        self, spec: Ticks, vocabulary: int, length: int, classes: int, answers: int = 1
    ) -> None:
        """length: tokens of the longest input. answers: asked for at once. Raises BadInput."""
        super().__init__()
        self.spec, self.answers = spec, answers
        neurons, bound = spec.neurons, 1 / math.sqrt(spec.neurons)
        synchronised = spec.query == "synchronisation"
        asked = spec.action_pairs if synchronised else neurons
        self.asking = (
            Synchronisation(neurons, asked, spec.pairing, "last") if synchronised else Momentary()
        )
        synchronised = spec.readout == "synchronisation"
        read = spec.pairs if synchronised else neurons
        self.speaking = (
            Synchronisation(neurons, read, spec.pairing, "first") if synchronised else Momentary()
        )
        self.gaze = Gaze(spec, vocabulary, length, asked)
        inputs = spec.width + neurons
        self.synapses = new_synapses(inputs, neurons, spec.synapse_depth, spec.dropout)
        self.models = NeuronModels(neurons, spec.memory, spec.hidden)
        self.state = nn.Parameter(torch.empty(neurons).uniform_(-bound, bound))
        self.trace = nn.Parameter(torch.empty(neurons, spec.memory - 1).uniform_(-bound, bound))
        self.head = nn.Linear(read, answers * classes)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T) -> logits (B, ticks, classes), certainties (B, ticks).

        With several answers the logits are (B, ticks, answers, classes).
        """
        scene, batch = self.gaze.look(tokens), len(tokens)
        state = self.state.expand(batch, -1)
        trace = [moment[:, None].expand(-1, batch) for moment in self.trace.unbind(1)]
        asked, said = self.asking.start(state), self.speaking.start(state)
        read = []
        for _ in range(self.spec.ticks):
            seen = self.gaze(self.asking.value(asked), scene)
            trace.append(self.synapses(torch.cat((seen, state), 1)).T)
            state = self.models(torch.stack(trace[-self.spec.memory :], 1)).T
            asked, said = self.asking.step(asked, state), self.speaking.step(said, state)
            read.append(self.speaking.value(said))
        logits = self.said(torch.stack(read, 1))
        return logits, certainty(logits)

    def said(self, read: Tensor) -> Tensor:
        """Readings (..., read) -> logits."""
        logits: Tensor = self.head(read)
        return separated(logits, self.answers)


def plain_thought(model: ContinuousThought, tokens: Tensor) -> Tensor:
    """The logits again, from whole histories: explicit decayed sums, and neuron by neuron."""
    scene, batch = model.gaze.look(tokens), len(tokens)
    states = [model.state.expand(batch, -1)]
    trace = model.trace[:, :, None].expand(-1, -1, batch)
    read = []
    for _ in range(model.spec.ticks):
        seen = model.gaze(_plain_reading(model.asking, states), scene)
        before = model.synapses(torch.cat((seen, states[-1]), 1)).T
        trace = torch.cat((trace, before[:, None]), 1)
        states.append(plain_neuron_models(model.models, trace[:, -model.spec.memory :]).T)
        read.append(_plain_reading(model.speaking, states))
    return model.said(torch.stack(read, 1))


def _plain_reading(reading: nn.Module, states: list[Tensor]) -> Tensor:
    if isinstance(reading, Synchronisation):
        return plain_synchronisation(reading, torch.stack(states, 1))
    return states[-1]
