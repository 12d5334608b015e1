"""Block diffusion: one block after another, each filled in like a masked text."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from sandbox.errors import BadInput
from tools.architectures.architecture import Architecture
from tools.architectures.backbone import Backbone, States
from tools.architectures.blocks.block_attention import rewind
from tools.architectures.decode import Generated, Reading, Sampling
from tools.architectures.directions import in_blocks
from tools.architectures.masking import NOISES, Hidden, Noise, Times, times
from tools.architectures.objective import objective
from tools.architectures.objectives.masked_diffusion import mask_of
from tools.architectures.passage import Passage, passage
from tools.architectures.unmasking import fill


@objective("block_diffusion", source="arXiv:2503.09573", likelihood="bound")
class BlockDiffusion:
    """Autoregression over blocks of tokens, masked diffusion within each (Arriola et al. 2025).

    size: tokens a block; 1 is autoregression, with its exact likelihood as bound, and the text's
    length is masked diffusion. least, most: rates of hiding in training (the paper's clipped
    schedule; the bits always cover all rates). times, noise, samples: as in masked_diffusion, with
    a rate for each block.
    """

    def __init__(
        self,
        size: int = 8,
        times: Times = "stratified",
        noise: Noise = "rate",
        least: float = 0.0,
        most: float = 1.0,
        samples: int = 8,
    ) -> None:
        if size < 1 or samples < 1 or not 0 <= least < most <= 1:
            raise BadInput(
                f"block_diffusion: size {size}, rates {least} to {most}, {samples} samples",
                "size and samples are 1 or more, 0 <= least < most <= 1",
            )
        self.size, self.times, self.noise, self.samples = size, times, noise, samples
        self.least, self.most = least, most

    def model(self, architecture: Architecture, vocabulary: int, outputs: int = 0) -> nn.Module:
        """A Backbone with block attention and one more token of input. Raises BadInput."""
        turned = in_blocks(architecture, self.size)
        return Backbone(turned, vocabulary + 1, outputs or vocabulary)

    def loss(
        self, model: nn.Module, tokens: Tensor, targets: Tensor, draw: torch.Generator
    ) -> Tensor:
        """Nats of the bound per learned token."""
        text = passage(tokens, targets)
        blocks = len(tokens) * -(-text.tokens.shape[1] // self.size)
        t = self.least + (self.most - self.least) * times(blocks, draw, self.times)
        return self._nats(model, text, t, self.noise, draw)

    def bits(
        self, model: nn.Module, tokens: Tensor, targets: Tensor, draw: torch.Generator
    ) -> Tensor:
        """The bound, over `samples` draws; exact with blocks of one token."""
        text = passage(tokens, targets)
        blocks = len(tokens) * -(-text.tokens.shape[1] // self.size)
        samples = self.samples if self.size > 1 else 1
        t = times(samples * blocks, draw, "stratified").chunk(samples)
        found = [self._nats(model, text, each, "count", draw) for each in t]
        return torch.stack(found).mean() / math.log(2)

    def read(self, model: nn.Module, prompt: Tensor) -> Reading:
        """Whole blocks go into the cache; what is left begins the next block."""
        assert isinstance(model, Backbone)
        whole = prompt.shape[1] // self.size * self.size
        states = model.start(len(prompt))
        if not whole:
            return Reading(prompt, states)
        with torch.no_grad():
            _, states = model.step(prompt[:, :whole], states, _places(prompt, 0, whole))
        return Reading(prompt, states, whole, passes=1)

    @torch.no_grad()
    def write(
        self, model: nn.Module, reading: Reading, length: int, draw: torch.Generator, how: Sampling
    ) -> Generated:
        """Block by block: fill in one, take it into the cache (one more pass), go on."""
        assert isinstance(model, Backbone)
        mask, wanted = mask_of(model), reading.tokens.shape[1] + length
        done, states, kept, passes = reading.tokens, reading.states, reading.kept, 0
        for begin in range(reading.kept, wanted, self.size):
            end = min(begin + self.size, wanted)
            noisy = nnf.pad(done[:, begin:], (0, end - done.shape[1]), value=mask)
            places = _places(done, begin, end)
            block, used = fill(noisy, mask, _denoiser(model, states, places), draw, how)
            done, passes = torch.cat((done[:, :begin], block), 1), passes + used
            if end < wanted:
                _, states = model.step(block, states, places)
                kept, passes = end, passes + 1
        return Generated(done, passes, states, kept)

    def _nats(
        self, model: nn.Module, text: Passage, t: Tensor, noise: Noise, draw: torch.Generator
    ) -> Tensor:
        """t: a rate for each block, (B x blocks, 1)."""
        assert isinstance(model, Backbone)
        hidden = self._hide(text.asked, t, noise, draw)
        noisy = text.tokens.masked_fill(hidden.where, mask_of(model))
        places = _places(noisy, 0, noisy.shape[1])
        _, clean = model.step(text.tokens, model.start(len(noisy)), places)
        logits, _ = model.step(noisy, rewind(clean), places)
        nats = nnf.cross_entropy(logits[hidden.where], text.tokens[hidden.where], reduction="none")
        return (nats * hidden.weight[hidden.where]).sum() / text.asked.sum().clamp_min(1)

    def _hide(self, asked: Tensor, t: Tensor, noise: Noise, draw: torch.Generator) -> Hidden:
        """where, weight: (B, L), each block by its own rate."""
        rows, length = asked.shape
        padded = nnf.pad(asked, (0, -length % self.size))
        found = NOISES[noise](padded.view(-1, self.size), t, draw)
        weight = found.weight.expand(-1, self.size).reshape(rows, -1)[:, :length]
        return Hidden(found.where.view(rows, -1)[:, :length], weight)


def _denoiser(model: Backbone, states: States, places: Tensor) -> Callable[[Tensor], Tensor]:
    """Logits of a block after the finished ones, which it leaves as they are."""
    return lambda block: model.step(block, states, places)[0]


def _places(tokens: Tensor, begin: int, end: int) -> Tensor:
    return torch.arange(begin, end, device=tokens.device)
