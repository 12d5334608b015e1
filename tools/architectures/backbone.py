"""A model made of blocks: embeddings, layers, a head. Trained and decoded by the trusted side."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import TypeAlias

import torch
from torch import Tensor, nn

from sandbox.errors import BadInput
from tools.architectures.architecture import Architecture, Choice, Layer
from tools.architectures.block import State, decoder_of, find_block
from tools.architectures.blocks.short_convolution import ShortConvolution
from tools.architectures.hyper_connections import HyperConnection
from tools.architectures.norms import new_norm

States: TypeAlias = list[State]
Run: TypeAlias = Callable[[Tensor], tuple[Tensor, State]]
GAIN = 0.1


class Backbone(nn.Module):
    """Tokens to logits. The layers are those of the architecture, passed `loops` times."""

    def __init__(self, architecture: Architecture, vocabulary: int, outputs: int = 0) -> None:
        """outputs: size of the head, 0 for the vocabulary's. Raises BadInput, UnknownName."""
        super().__init__()
        self.architecture = architecture.checked()
        width = architecture.width
        self.embedding = nn.Embedding(vocabulary, width)
        learned = architecture.position == "learned"
        self.positions = nn.Embedding(architecture.longest, width) if learned else None
        for table in (self.embedding, self.positions):
            if table is not None:
                nn.init.normal_(table.weight, std=architecture.embedding_std)
        branches = itertools.count()
        self.layers = nn.ModuleList(
            LayerOfBlocks(layer, self.architecture, branches) for layer in self.architecture.layers
        )
        self.norm = new_norm(architecture.norm, width)
        self.head = nn.Linear(width, outputs or vocabulary, bias=False)
        if architecture.tied:
            self.head.weight = self.embedding.weight

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T) -> logits (B, T, outputs)."""
        logits: Tensor = self.head(self.hidden(self.embed(tokens)))
        return logits

    def embed(self, tokens: Tensor) -> Tensor:
        """(B, T) -> (B, T, width), positions added. Raises BadInput beyond the longest."""
        h: Tensor = self.embedding(tokens)
        if self.positions is None:
            return h
        length, longest = tokens.shape[1], self.architecture.longest
        if length > longest:
            raise BadInput(
                f"{length} tokens, and learned positions of {longest}", "set `longest` to more"
            )
        return h + self.positions.weight[:length]

    def hidden(self, h: Tensor) -> Tensor:
        """Embeddings (B, T, width) through all layers and the last norm."""
        h = self._spread(h)
        for _ in range(self.architecture.loops):
            for layer in self.layers:
                h = layer(h)
        normed: Tensor = self.norm(self._gather(h))
        return normed

    def auxiliary(self) -> Tensor:
        """The blocks' own losses of the last forward pass, summed; zero without any."""
        losses = [getattr(module, "auxiliary", None) for module in self.modules()]
        found = [loss for loss in losses if isinstance(loss, Tensor)]
        return torch.stack(found).sum() if found else self.head.weight.new_zeros(())

    def start(self, batch: int) -> States:
        """States before the first token, one a layer and loop."""
        loops = range(self.architecture.loops)
        return [decoder_of(layer).start(batch) for _ in loops for layer in self.layers]

    def step(self, token: Tensor, states: States, position: int | Tensor) -> tuple[Tensor, States]:
        """One token (B,) at its position -> logits (B, outputs) and the states after it.

        Blocks that take chunks read several (B, n), at positions (n,), into (B, n, outputs).
        """
        h = self.embedding(token)
        if self.positions is not None:
            h = h + self.positions.weight[position]
        h = self._spread(h)
        after: States = []
        for number, state in enumerate(states):
            h, state = decoder_of(self.layers[number % len(self.layers)]).step(h, state)
            after.append(state)
        return self.head(self.norm(self._gather(h))), after

    def _spread(self, h: Tensor) -> Tensor:
        """With hyper-connections every stream starts as the embedding: (..., streams, width)."""
        if self.architecture.residual != "hyper":
            return h
        return h.unsqueeze(-2).expand(*h.shape[:-1], self.architecture.streams, -1)

    def _gather(self, h: Tensor) -> Tensor:
        return h.sum(-2) if self.architecture.residual == "hyper" else h


class LayerOfBlocks(nn.Module):
    """One layer: a mixer branch, a channel branch, each with its norms and its way back."""

    def __init__(
        self, layer: Layer, architecture: Architecture, branches: Iterable[int] = (0, 1)
    ) -> None:
        """branches: the numbers that its branches have in the model."""
        super().__init__()
        self.parallel = architecture.parallel
        width, numbers = architecture.width, iter(branches)
        mixer = Mixer(layer, width) if layer.mixer or layer.convolution else None
        channel = _made(layer.channel, width) if layer.channel else None
        self.mixer = Branch(mixer, architecture, next(numbers)) if mixer is not None else None
        self.channel = Branch(channel, architecture, next(numbers)) if channel is not None else None

    def forward(self, h: Tensor) -> Tensor:
        """(B, T, ...) -> the same shape."""
        if self.parallel and self.mixer is not None and self.channel is not None:
            both: Tensor = self.mixer(h) + self.channel(h) - h
            return both
        for branch in (self.mixer, self.channel):
            h = branch(h) if branch is not None else h
        return h

    def start(self, batch: int) -> State:
        """The mixer's state."""
        if self.mixer is None:
            return {}
        assert isinstance(self.mixer.inner, Mixer)
        return self.mixer.inner.start(batch)

    def step(self, h: Tensor, state: State) -> tuple[Tensor, State]:
        """One position: h (B, ...)."""
        read = h
        if self.mixer is not None:
            h, state = self.mixer.step(h, state)
        if self.channel is not None:
            if self.parallel and self.mixer is not None:
                return h + self.channel(read) - read, state
            h = self.channel(h)
        return h, state


class Mixer(nn.Module):
    """A sequence mixer, with a short convolution before it where the layer has one."""

    def __init__(self, layer: Layer, width: int) -> None:
        super().__init__()
        short = layer.convolution
        self.convolution = ShortConvolution(width, short, activated=False) if short else None
        self.block = _made(layer.mixer, width) if layer.mixer is not None else None

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) -> (B, T, width)."""
        for part in (self.convolution, self.block):
            x = part(x) if part is not None else x
        return x

    def start(self, batch: int) -> State:
        """States of both parts under their names."""
        return {
            f"{name}.{key}": value
            for name, part in self._parts()
            for key, value in decoder_of(part).start(batch).items()
        }

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """(B, width) -> (B, width)."""
        after: State = {}
        for name, part in self._parts():
            mine = {k.removeprefix(f"{name}."): v for k, v in state.items() if k.startswith(name)}
            x, mine = decoder_of(part).step(x, mine)
            after |= {f"{name}.{key}": value for key, value in mine.items()}
        return x, after

    def _parts(self) -> list[tuple[str, nn.Module]]:
        both = (("convolution", self.convolution), ("block", self.block))
        return [(name, part) for name, part in both if part is not None]


class Branch(nn.Module):
    """A block on the residual stream."""

    def __init__(self, inner: nn.Module, architecture: Architecture, number: int) -> None:
        super().__init__()
        self.inner = inner
        width, place = architecture.width, architecture.norm_place
        self.before = new_norm(architecture.norm, width) if place != "post" else None
        self.after = new_norm(architecture.norm, width) if place == "sandwich" else None
        self.whole = new_norm(architecture.norm, width) if place == "post" else None
        scaled = architecture.residual == "scaled"
        self.gain = nn.Parameter(torch.full((width,), GAIN)) if scaled else None
        hyper = architecture.residual == "hyper"
        self.hyper = HyperConnection(architecture.streams, number) if hyper else None

    def forward(self, h: Tensor) -> Tensor:
        """The stream with the block's output added."""
        return self._around(h, lambda x: (self.inner(x), {}))[0]

    def step(self, h: Tensor, state: State) -> tuple[Tensor, State]:
        """One position of the mixer."""
        return self._around(h, lambda x: decoder_of(self.inner).step(x, state))

    def _around(self, h: Tensor, run: Run) -> tuple[Tensor, State]:
        read = self.hyper.read(h) if self.hyper is not None else h
        x = self.before(read) if self.before is not None else read
        y, state = run(x)
        y = self.after(y) if self.after is not None else y
        y = y * self.gain if self.gain is not None else y
        h = self.hyper.write(h, y) if self.hyper is not None else h + y
        return (self.whole(h) if self.whole is not None else h), state


def _made(choice: Choice, width: int) -> nn.Module:
    return find_block(choice.block).make(width, choice.parameters)
