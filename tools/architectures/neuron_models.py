"""A private model for every neuron, over its own last pre-activations."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf


class NeuronModels(nn.Module):
    """Neuron d maps its last `memory` pre-activations to its activation with weights of its own.

    Two gated layers, or a single one with `hidden` 0; all neurons in one batched product. Source:
    Darlow et al. 2025, arXiv:2505.05522.
    """

    def __init__(self, neurons: int, memory: int, hidden: int) -> None:
        super().__init__()
        sizes = [memory, 2 * hidden, 2] if hidden else [memory, 2]
        inputs = [memory, hidden] if hidden else [memory]
        self.weights = nn.ParameterList(
            _uniform(neurons, size, read) for read, size in zip(inputs, sizes[1:], strict=True)
        )
        self.biases = nn.ParameterList(
            nn.Parameter(torch.zeros(neurons, size, 1)) for size in sizes[1:]
        )

    def forward(self, trace: Tensor) -> Tensor:
        """Pre-activations (neurons, memory, B), the oldest first -> activations (neurons, B)."""
        for weight, bias in zip(self.weights, self.biases, strict=True):
            trace = nnf.glu(torch.baddbmm(bias, weight, trace), 1)
        return trace[:, 0]


def plain_neuron_models(module: NeuronModels, trace: Tensor) -> Tensor:
    """The same, neuron by neuron."""
    activations = []
    for neuron, memory in enumerate(trace):
        signal = memory
        for weight, bias in zip(module.weights, module.biases, strict=True):
            value, gate = (weight[neuron] @ signal + bias[neuron]).chunk(2)
            signal = value / (1 + torch.exp(-gate))
        activations.append(signal[0])
    return torch.stack(activations)


def _uniform(neurons: int, size: int, read: int) -> nn.Parameter:
    bound = 1 / math.sqrt(read + size)
    return nn.Parameter(torch.empty(neurons, size, read).uniform_(-bound, bound))
