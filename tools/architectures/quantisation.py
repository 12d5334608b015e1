"""Trained models with weights of 8 bits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from tools.architectures.backbone import Backbone
from tools.architectures.layer_order import copied
from tools.architectures.packing import Packing, pack, worth_packing

LARGEST = 127


class Int8(Packing):
    """Whole numbers from -127 to 127 and one scale for each row, symmetric about zero."""

    trainable: ClassVar[bool] = False

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, ...]:
        """The numbers, and the scales that make the largest of each row exact."""
        largest = weight.abs().amax(-1, keepdim=True)
        scale = (largest / LARGEST).clamp_min(torch.finfo(weight.dtype).tiny)
        return (weight / scale).round().to(torch.int8), scale

    def forward(self, kept: Tensor, scale: Tensor) -> Tensor:
        """The weight, to half a scale."""
        return kept * scale


def quantised(model: Backbone) -> Backbone:
    """A copy whose matrices, embeddings among them, are kept in int8, frozen.

    A row is what one output of a matrix is computed from, or one token's embedding. Products are
    computed in the model's own precision from weights that are unpacked at each use: what is saved
    is memory, and time is not. Norms, biases and matrices of short rows stay as they are.
    """
    other = copied(model)
    pack(other, _int8)
    return other.eval()


def _int8(weight: Tensor, users: Sequence[nn.Module]) -> Packing | None:
    return Int8() if worth_packing(weight) else None
