"""What a thinking model sees of its input: embedded tokens, and attention that it asks."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from sandbox.errors import BadInput
from tools.architectures.ticks import Ticks

NOISE = 0.02
"""Standard deviation of the embedded levels about their order."""


class Scene(NamedTuple):
    """Keys and values of the whole input, (B, heads, places, width / heads)."""

    keys: Tensor
    values: Tensor


class Embedded(nn.Module):
    """A vector for each token and one for each position, added."""

    def __init__(self, vocabulary: int, length: int, width: int, spread: float) -> None:
        super().__init__()
        self.spread, self.places = spread, length
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Parameter(torch.randn(length, width))

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T) -> (B, T, width)."""
        embedded: Tensor = self.tokens(tokens) + self.spread * self.positions[: tokens.shape[1]]
        return embedded


class Convolved(nn.Module):
    """Tokens on a square grid through three convolutions, with a pooling before the last.

    Tokens are levels: their embeddings start in order. One token more than a square holds (a
    question mark) is left out.
    """

    def __init__(self, vocabulary: int, length: int, width: int, spread: float) -> None:
        """Raises BadInput when the length is neither a square nor one more."""
        super().__init__()
        self.side, self.spread = math.isqrt(length), spread
        if length - self.side**2 > 1 or self.side < 2:
            raise BadInput(f"{length} tokens are no square grid", "use the front `embedding`")
        half = max(1, width // 2)
        self.tokens = nn.Embedding(vocabulary, half)
        with torch.no_grad():
            self.tokens.weight.mul_(NOISE).add_(torch.linspace(-1, 1, vocabulary)[:, None])
        self.filters = nn.Sequential(
            _filter(half, half), _filter(half, width), nn.MaxPool2d(2), _filter(width, width)
        )
        self.places = (self.side // 2) ** 2
        self.positions = nn.Parameter(torch.randn(self.places, width))

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, side * side) -> (B, places, width)."""
        grid = self.tokens(tokens[:, : self.side**2]).transpose(1, 2)
        seen = self.filters(grid.unflatten(2, (self.side, self.side)))
        placed: Tensor = seen.flatten(2).transpose(1, 2) + self.spread * self.positions
        return placed


def _filter(inputs: int, outputs: int) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


def new_front(spec: Ticks, vocabulary: int, length: int) -> Embedded | Convolved:
    """The spec's own front. Raises BadInput when the length does not fit it."""
    fronts: dict[str, type[Embedded | Convolved]] = {
        "embedding": Embedded,
        "convolution": Convolved,
    }
    return fronts[spec.front](vocabulary, length, spec.width, spec.spread)


class Gaze(nn.Module):
    """Attention over the embedded input: the keys and values once, then a query at each tick."""

    def __init__(self, spec: Ticks, vocabulary: int, length: int, asking: int) -> None:
        """asking: width of what the query is made from. Raises BadInput."""
        super().__init__()
        self.heads = spec.heads
        self.front = new_front(spec, vocabulary, length)
        self.dropout = nn.Dropout(spec.dropout)
        self.project = nn.Sequential(nn.Linear(spec.width, spec.width), nn.LayerNorm(spec.width))
        self.both = nn.Linear(spec.width, 2 * spec.width)
        self.query = nn.Linear(asking, spec.width)
        self.out = nn.Linear(spec.width, spec.width)

    def look(self, tokens: Tensor) -> Scene:
        """The input, ready to be asked: (B, T) tokens."""
        both = self.both(self.dropout(self.project(self.front(tokens))))
        keys, values = both.unflatten(2, (2 * self.heads, -1)).transpose(1, 2).chunk(2, 1)
        return Scene(keys, values)

    def forward(self, asking: Tensor, scene: Scene) -> Tensor:
        """What the asked-for places hold: (B, asking) -> (B, width)."""
        query = self.query(asking).unflatten(1, (self.heads, 1, -1))
        seen = nnf.scaled_dot_product_attention(query, scene.keys, scene.values)
        read: Tensor = self.out(seen.flatten(1))
        return read
