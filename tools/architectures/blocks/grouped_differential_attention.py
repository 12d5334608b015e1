"""Grouped differential attention: many signal heads, few noise heads that they share."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from sandbox.errors import BadInput
from tools.architectures.block import State, block
from tools.architectures.norms import EPS, RMSNorm
from tools.architectures.rotary import rotate
from tools.architectures.scaled_dot_product import attend

LAMBDA_STD = 0.1


def plain_grouped_differential(module: nn.Module, x: Tensor) -> Tensor:
    """Head by head and position by position: one map minus lambda times the group's other."""
    assert isinstance(module, GroupedDifferentialAttention)
    query, key, value = module.project(x, torch.arange(x.shape[1], device=x.device))
    first, second = (module.lambdas[0] * module.lambdas[1]).sum(-1).exp()
    initial = 0.8 - 0.6 * math.exp(-0.3 * (module.depth - 1))
    rows = []
    for t in range(x.shape[1]):
        heads = []
        for h in range(module.signal):
            g = h // (module.signal // module.noise)
            kept = _plain_map(query[:, h, t], key[:, g, : t + 1])
            removed = _plain_map(query[:, module.signal + g, t], key[:, module.noise + g, : t + 1])
            weights = kept - (first - second + initial) * removed
            mixed = (weights[..., None] * value[:, g, : t + 1]).sum(1)
            mixed = mixed / (mixed.square().mean(-1, keepdim=True) + EPS).sqrt()
            heads.append(mixed * module.norm.gain * (1 - initial))
        rows.append(torch.cat(heads, -1) @ module.out.weight.T)
    return torch.stack(rows, 1)


def _plain_map(query: Tensor, keys: Tensor) -> Tensor:
    scores = (query[:, None] * keys).sum(-1) / math.sqrt(query.shape[-1])
    return scores.exp() / scores.exp().sum(-1, keepdim=True)


@block(
    "grouped_differential_attention",
    source="arXiv:2510.06949",
    reference=plain_grouped_differential,
    constant_state=False,
)
class GroupedDifferentialAttention(nn.Module):
    """Differential attention with more signal than noise heads (Lim et al. 2025).

    signal, noise: query heads of each kind, signal a multiple of noise; the signal heads of a group
    share its keys, its values and its noise head (Motif-2-12.7B: 32 and 8). size: width of a query,
    half that of a value; 0 for width / (2 signal), which with as many noise heads makes this
    differential attention. depth: the layer, from 1, which sets where lambda starts.
    """

    chunks: ClassVar[bool] = True
    undecayed: ClassVar[tuple[str, ...]] = ("lambdas",)

    def __init__(
        self,
        width: int,
        signal: int = 4,
        noise: int = 1,
        size: int = 0,
        depth: int = 1,
        positions: Literal["rotary", "none"] = "rotary",
    ) -> None:
        super().__init__()
        self.signal, self.noise, self.depth, self.positions = signal, noise, depth, positions
        self.size = _size(width, signal, noise, size, positions)
        if depth < 1:
            raise BadInput(f"differential attention: depth: {depth}", "layers count from 1")
        self.query = nn.Linear(width, (signal + noise) * self.size, bias=False)
        self.key = nn.Linear(width, 2 * noise * self.size, bias=False)
        self.value = nn.Linear(width, 2 * noise * self.size, bias=False)
        self.lambdas = nn.Parameter(torch.randn(2, 2, self.size) * LAMBDA_STD)
        self.norm = RMSNorm(2 * self.size)
        self.out = nn.Linear(2 * signal * self.size, width, bias=False)

    @property
    def initial(self) -> float:
        """Where lambda starts: larger in deeper layers."""
        return 0.8 - 0.6 * math.exp(-0.3 * (self.depth - 1))

    def share(self) -> Tensor:
        """Lambda, how much of the noise map is taken away: exp(q1 k1) - exp(q2 k2) + initial."""
        first, second = (self.lambdas[0] * self.lambdas[1]).sum(-1).exp()
        share: Tensor = first - second + self.initial
        return share

    def project(self, x: Tensor, positions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries (B, signal + noise, T, d), keys (B, 2 noise, T, d), values (B, noise, T, 2 d).

        Of queries and keys, those of the signal come first.
        """
        query, key = (
            linear(x).unflatten(-1, (-1, self.size)).transpose(1, 2)
            for linear in (self.query, self.key)
        )
        if self.positions == "rotary":
            query, key = rotate(query, positions), rotate(key, positions)
        value: Tensor = self.value(x).unflatten(-1, (self.noise, -1)).transpose(1, 2)
        return query, key, value

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) -> (B, T, width)."""
        positions = torch.arange(x.shape[1], device=x.device)
        query, key, value = self.project(x, positions)
        return self._attend(query, key, value, positions[:, None] >= positions)

    def start(self, batch: int) -> State:
        """No keys, no values."""
        weight, groups = self.key.weight, self.noise
        return {
            "key": weight.new_zeros(batch, 2 * groups, 0, self.size),
            "value": weight.new_zeros(batch, groups, 0, 2 * self.size),
        }

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """(B, width) or a chunk (B, n, width) -> the same; the cache grows by what is read."""
        chunk, seen = x if x.dim() == 3 else x[:, None], state["key"].shape[2]
        here = seen + torch.arange(chunk.shape[1], device=x.device)
        query, key, value = self.project(chunk, here)
        key, value = torch.cat((state["key"], key), 2), torch.cat((state["value"], value), 2)
        mask = here[:, None] >= torch.arange(key.shape[2], device=x.device)
        return self._attend(query, key, value, mask).view_as(x), {"key": key, "value": value}

    def _attend(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
        """The mixture by the difference of two maps is the difference of their mixtures."""
        signal, noise = query[:, : self.signal], query[:, self.signal :]
        signal_key, noise_key = key.chunk(2, 1)
        kept = attend(signal, signal_key, value, mask)
        removed = attend(noise, noise_key, value, mask)
        removed = removed.repeat_interleave(self.signal // self.noise, 1)
        mixed = self.norm(kept - self.share() * removed) * (1 - self.initial)
        joined: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return joined


def _size(width: int, signal: int, noise: int, size: int, positions: str) -> int:
    """Of one query. Raises BadInput when heads and width do not fit."""
    if noise < 1 or signal < noise or signal % noise:
        raise BadInput(
            f"differential attention: {signal} signal heads cannot share {noise} noise heads",
            "make signal a multiple of noise",
        )
    if size < 0 or (not size and width % (2 * signal)):
        raise BadInput(
            f"differential attention: {signal} heads of two maps do not divide the width {width}",
            "choose heads so that width / (2 heads) is whole, or give a size",
        )
    found = size or width // (2 * signal)
    if positions == "rotary" and found % 2:
        raise BadInput(
            f"differential attention: rotary positions cannot pair {found} features",
            "make the size even, or set positions to none",
        )
    return found
