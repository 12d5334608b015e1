"""Several next tokens at once, each by a head of its own."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from sandbox.errors import BadInput
from tools.architectures.architecture import Architecture
from tools.architectures.backbone import Backbone, LayerOfBlocks, States
from tools.architectures.decode import Generated, Reading, Sampling
from tools.architectures.left_to_right import LeftToRight, asked_nats, refuse_peeking
from tools.architectures.norms import new_norm
from tools.architectures.objective import objective
from tools.tasks.sequence import NOT_ASKED


class ManyHeads(nn.Module):
    """A Backbone whose last hidden states feed one more layer for each token further ahead.

    Head 0 is the backbone's own; all share its unembedding (Gloeckle et al. 2024,
    arXiv:2404.19737, with the whole backbone as trunk).
    """

    def __init__(self, backbone: Backbone, heads: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.architecture = backbone.architecture
        plain = self.architecture.model_copy(update={"residual": "plain"})
        last = self.architecture.layers[-1]
        self.further = nn.ModuleList(LayerOfBlocks(last, plain) for _ in range(heads - 1))
        self.norms = nn.ModuleList(new_norm(plain.norm, plain.width) for _ in range(heads - 1))

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T) -> logits (B, T, outputs) of the next token alone."""
        logits: Tensor = self.backbone(tokens)
        return logits

    def every(self, tokens: Tensor) -> list[Tensor]:
        """Logits (B, T, outputs) of each head, nearest first."""
        backbone = self.backbone
        hidden = backbone.hidden(backbone.embed(tokens))
        ahead = [norm(layer(hidden)) for norm, layer in zip(self.norms, self.further, strict=True)]
        return [backbone.head(each) for each in (hidden, *ahead)]

    def auxiliary(self) -> Tensor:
        """The blocks' own losses, of the backbone and of the further heads."""
        losses = [getattr(module, "auxiliary", None) for module in self.further.modules()]
        found = [loss for loss in losses if isinstance(loss, Tensor)]
        return torch.stack([self.backbone.auxiliary(), *found]).sum()

    def start(self, batch: int) -> States:
        """The backbone's states."""
        return self.backbone.start(batch)

    def step(self, token: Tensor, states: States, position: int | Tensor) -> tuple[Tensor, States]:
        """One token, by head 0."""
        return self.backbone.step(token, states, position)


@objective("multi_token", source="arXiv:2404.19737", likelihood="exact")
class MultiToken(LeftToRight):
    """The next token and several after it, each by its own head.

    heads: tokens ahead. The loss is the mean of the heads' losses; bits are head 0's. With
    temperature 0 and per_pass above 1 it writes by self-speculation: the further heads propose, one
    pass over the whole text checks, and what comes out is exactly head 0's greedy text.
    """

    def __init__(self, heads: int = 4) -> None:
        if heads < 1:
            raise BadInput(f"multi_token: heads: {heads} is below 1", "use 2 to 8")
        self.heads = heads

    def model(self, architecture: Architecture, vocabulary: int, outputs: int = 0) -> nn.Module:
        """A Backbone with `heads - 1` further heads."""
        return ManyHeads(Backbone(architecture, vocabulary, outputs), self.heads)

    def loss(
        self, model: nn.Module, tokens: Tensor, targets: Tensor, draw: torch.Generator
    ) -> Tensor:
        """Mean nats over the heads; head j is asked what is asked j positions later."""
        assert isinstance(model, ManyHeads)
        refuse_peeking(model, tokens, targets)
        losses = [
            asked_nats(logits, nnf.pad(targets[:, j:], (0, j), value=NOT_ASKED))
            for j, logits in enumerate(model.every(tokens))
        ]
        return torch.stack(losses).mean()

    def write(
        self, model: nn.Module, reading: Reading, length: int, draw: torch.Generator, how: Sampling
    ) -> Generated:
        """From left to right; several tokens a pass when greedy and asked for."""
        assert isinstance(model, ManyHeads)
        if how.temperature == 0 and min(how.per_pass, self.heads) > 1:
            return speculate(model, reading.tokens, length, how.per_pass)
        return super().write(model, reading, length, draw, how)


@torch.no_grad()
def speculate(model: ManyHeads, prompt: Tensor, length: int, per_pass: int) -> Generated:
    """Head 0's greedy text, up to `per_pass` tokens a pass over the whole text, without a cache.

    Each pass checks the last proposal and makes the next one; of a batch, as much is kept as every
    row agrees on (Stern et al. 2018, arXiv:1811.03115).
    """
    sure, wanted = prompt, prompt.shape[1] + length
    proposal, passes = prompt[:, :0], 0
    while sure.shape[1] < wanted:
        text = torch.cat((sure, proposal), 1)
        heads = [logits.argmax(-1) for logits in model.every(text)[:per_pass]]
        passes += 1
        begin = sure.shape[1]
        agreed = (heads[0][:, begin - 1 : -1] == proposal).all(0).long().cumprod(0)
        end = begin + int(agreed.sum())
        sure = torch.cat((text[:, :end], heads[0][:, end - 1 : end]), 1)
        proposal = torch.stack([head[:, end - 1] for head in heads[1:]], 1)
    return Generated(sure[:, :wanted], passes)
