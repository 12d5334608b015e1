"""Masked diffusion: fill in hidden tokens from everything that is not hidden."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from sandbox.errors import BadInput
from tools.architectures.architecture import Architecture
from tools.architectures.backbone import Backbone
from tools.architectures.decode import Generated, Reading, Sampling
from tools.architectures.directions import both_ways
from tools.architectures.masking import NOISES, Hidden, Noise, Times, times
from tools.architectures.objective import objective
from tools.architectures.passage import Passage, passage
from tools.architectures.unmasking import fill


@objective("masked_diffusion", source="arXiv:2502.09992", likelihood="bound")
class MaskedDiffusion:
    """Masked diffusion (LLaDA; the bound in bits is MDLM's, arXiv:2406.07524).

    A share t of the text is hidden behind one more token of the vocabulary and predicted from both
    sides; the cross-entropy of the hidden tokens over t bounds the text's likelihood. times: `t` of
    a batch, drawn `uniform` (LLaDA) or `stratified` (MDLM). noise: hide each token by `rate`, or
    exactly their `count`. samples: draws of noise a text, when measuring bits.
    """

    def __init__(
        self, times: Times = "stratified", noise: Noise = "rate", samples: int = 8
    ) -> None:
        if samples < 1:
            raise BadInput(f"masked_diffusion: samples: {samples} is below 1", "use 4 to 64")
        self.times, self.noise, self.samples = times, noise, samples

    def model(self, architecture: Architecture, vocabulary: int, outputs: int = 0) -> nn.Module:
        """A Backbone that sees both ways, with one more token of input. Raises BadInput."""
        return Backbone(both_ways(architecture), vocabulary + 1, outputs or vocabulary)

    def loss(
        self, model: nn.Module, tokens: Tensor, targets: Tensor, draw: torch.Generator
    ) -> Tensor:
        """Nats of the bound per learned token."""
        text = passage(tokens, targets)
        t = times(len(tokens), draw, self.times)
        return filling_nats(model, text, NOISES[self.noise](text.asked, t, draw))

    def bits(
        self, model: nn.Module, tokens: Tensor, targets: Tensor, draw: torch.Generator
    ) -> Tensor:
        """The bound, over `samples` draws; counts and strata keep its spread small."""
        text = passage(tokens, targets)
        t = times(self.samples * len(tokens), draw, "stratified").chunk(self.samples)
        found = [filling_nats(model, text, NOISES["count"](text.asked, each, draw)) for each in t]
        return torch.stack(found).mean() / math.log(2)

    def read(self, model: nn.Module, prompt: Tensor) -> Reading:
        """Nothing is kept of a prompt: every pass reads all."""
        return Reading(prompt)

    @torch.no_grad()
    def write(
        self, model: nn.Module, reading: Reading, length: int, draw: torch.Generator, how: Sampling
    ) -> Generated:
        """Fill in `length` hidden tokens after the prompt, `per_pass` a pass."""
        mask = mask_of(model)
        hidden = nnf.pad(reading.tokens, (0, length), value=mask)
        return Generated(*fill(hidden, mask, model, draw, how))


def filling_nats(model: nn.Module, text: Passage, hidden: Hidden) -> Tensor:
    """Weighted nats of the hidden tokens, over the number of learned ones."""
    noisy = text.tokens.masked_fill(hidden.where, mask_of(model))
    nats = nnf.cross_entropy(
        model(noisy)[hidden.where], text.tokens[hidden.where], reduction="none"
    )
    weights = hidden.weight.expand_as(hidden.where)[hidden.where]
    return (nats * weights).sum() / text.asked.sum().clamp_min(1)


def mask_of(model: nn.Module) -> int:
    """The token that hides: the last of the embedding."""
    return cast(nn.Embedding, model.embedding).num_embeddings - 1
