"""An untrained model from an architecture and a seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import nn

from tools.architectures.architecture import Architecture
from tools.architectures.backbone import Backbone
from tools.merging.train import stream

Model = TypeVar("Model", bound=nn.Module)


def new_backbone(
    architecture: Architecture, vocabulary: int, outputs: int = 0, seed: int = 0
) -> Backbone:
    """The same weights for the same seed, whatever was drawn before.

    outputs: size of the head, 0 for the vocabulary's. Raises BadInput, UnknownName.
    """
    return drawn(lambda: Backbone(architecture, vocabulary, outputs), seed)


def drawn(make: Callable[[], Model], seed: int) -> Model:
    """What `make` makes when the weights are drawn from the seed; other draws stay as they were."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(stream(seed, "architecture", "weights"))
        return make()
