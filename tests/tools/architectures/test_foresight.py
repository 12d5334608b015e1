"""What a causal model says does not change with later tokens, and one that cheats is found."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sandbox.errors import BadInput
from tools.architectures.architecture import Architecture, Choice, Layer
from tools.architectures.block import all_blocks
from tools.architectures.foresight import check_blind
from tools.architectures.new_backbone import new_backbone

pytestmark = pytest.mark.slow
VOCABULARY = 16
TOKENS = np.random.default_rng(0).integers(0, VOCABULARY, (40, 48))


def body(block: str) -> Architecture:
    place = {"sequence": "mixer", "channel": "channel"}[all_blocks()[block].mixes]
    layer = Layer.model_validate({place: Choice(block=block), "convolution": 4})
    return Architecture(width=32, layers=(layer, layer))


class Peeking(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + x.flip(1)


@pytest.mark.parametrize("block", sorted(all_blocks()))
def test_no_built_in_block_is_taken_for_one_that_looks_ahead(block: str) -> None:
    torch.manual_seed(0)
    model = new_backbone(body(block), VOCABULARY)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    check_blind(model, TOKENS, VOCABULARY)
    assert model.training


def test_a_model_that_looks_ahead_is_found_whatever_its_blocks_declare() -> None:
    model = new_backbone(body("softmax_attention"), VOCABULARY)
    model.layers[1].mixer.inner.block = Peeking()  # type: ignore[union-attr]
    with pytest.raises(BadInput, match="looks ahead: what it says before position 1 changes"):
        check_blind(model, TOKENS, VOCABULARY)


class Telling(nn.Module):
    """Says no number at the first position when the last token is large."""

    def forward(self, x: Tensor) -> Tensor:
        told = torch.where(x[:, -1:, :1] > 0, math.nan, 0.0)
        return torch.cat((x[:, :1] + told, x[:, 1:]), 1)


def test_missing_numbers_tell_of_later_tokens_too() -> None:
    model = new_backbone(body("softmax_attention"), VOCABULARY)
    model.layers[1].mixer.inner.block = Telling()  # type: ignore[union-attr]
    with pytest.raises(BadInput, match="looks ahead"):
        check_blind(model, TOKENS, VOCABULARY)


def test_a_model_that_diverged_has_nothing_to_tell() -> None:
    model = new_backbone(body("softmax_attention"), VOCABULARY)
    with torch.no_grad():
        next(model.parameters()).fill_(math.nan)
    check_blind(model, TOKENS, VOCABULARY)


def test_a_model_that_may_look_ahead_is_not_asked() -> None:
    check_blind(new_backbone(body("bidirectional_attention"), VOCABULARY), TOKENS, VOCABULARY)
