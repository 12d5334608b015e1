"""Softmax attention: many heads, shared keys and values, a window, sinks."""

from __future__ import annotations

import math
from typing import ClassVar, Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from sandbox.errors import BadInput
from tools.architectures.block import State, block
from tools.architectures.norms import RMSNorm
from tools.architectures.rotary import rotate

Positions: TypeAlias = Literal["rotary", "alibi", "none"]


def plain_attention(module: nn.Module, x: Tensor) -> Tensor:
    """Each position looks back, one by one."""
    assert isinstance(module, SoftmaxAttention)
    query, key, value = module.project(x, torch.arange(x.shape[1], device=x.device))
    group = module.heads // module.groups
    key, value = key.repeat_interleave(group, 1), value.repeat_interleave(group, 1)
    rows = []
    for t in range(x.shape[1]):
        since = max(0, t - module.window + 1) if module.window else 0
        scores = (query[:, :, t, None] * key[:, :, since : t + 1]).sum(-1) / math.sqrt(module.size)
        if module.positions == "alibi":
            for h in range(module.heads):
                slope = 2 ** (-8 * (h + 1) / module.heads)
                scores[:, h] -= slope * torch.arange(t - since, -1, -1, device=x.device)
        weights, seen = scores.exp(), value[:, :, since : t + 1]
        if module.sink_key is not None and module.sink_value is not None:
            sinks = module.sink_key.repeat_interleave(group, 0)
            drawn = (query[:, :, t, None] * sinks).sum(-1) / math.sqrt(module.size)
            weights = torch.cat((drawn.exp(), weights), -1)
            held = module.sink_value.repeat_interleave(group, 0)
            seen = torch.cat((held.expand(x.shape[0], -1, -1, -1), seen), 2)
        weights = weights / weights.sum(-1, keepdim=True)
        rows.append((weights[..., None] * seen).sum(2).flatten(1))
    return torch.stack(rows, 1) @ module.out.weight.T


@block(
    "softmax_attention",
    source="arXiv:1706.03762",
    reference=plain_attention,
    constant_state=False,
)
class SoftmaxAttention(nn.Module):
    """Causal attention (Vaswani et al. 2017), by default with rotary positions.

    groups: heads of keys and values, 0 for as many as queries (Ainslie et al. 2023,
    arXiv:2305.13245). window: positions seen, the own one included, 0 for all (Beltagy et al. 2020,
    arXiv:2004.05150). positions: `alibi` lowers scores by distance (Press et al. 2021,
    arXiv:2108.12409). qk_norm: root mean square norms of queries and keys, each head's own features
    (Henry et al. 2020, arXiv:2010.04245). sinks: learned keys and values that every position sees
    whatever the window (Xiao et al. 2023, arXiv:2309.17453).
    """

    chunks: ClassVar[bool] = True

    def __init__(
        self,
        width: int,
        heads: int = 4,
        groups: int = 0,
        window: int = 0,
        positions: Positions = "rotary",
        qk_norm: bool = False,
        sinks: int = 0,
    ) -> None:
        super().__init__()
        self.heads, self.groups, self.window = heads, groups or heads, window
        self.positions, self.sinks = positions, sinks
        _fit(width, heads, self.groups, window, positions, sinks)
        self.size = width // heads
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, self.groups * self.size, bias=False)
        self.value = nn.Linear(width, self.groups * self.size, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.query_norm = RMSNorm(self.size) if qk_norm else None
        self.key_norm = RMSNorm(self.size) if qk_norm else None
        self.sink_key = self._sink()
        self.sink_value = self._sink()

    def project(self, x: Tensor, positions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries (B, heads, T, d); keys and values (B, groups, T, d)."""
        query, key, value = (
            linear(x).unflatten(-1, (-1, self.size)).transpose(1, 2)
            for linear in (self.query, self.key, self.value)
        )
        if self.query_norm is not None and self.key_norm is not None:
            query, key = self.query_norm(query), self.key_norm(key)
        if self.positions == "rotary":
            query, key = rotate(query, positions), rotate(key, positions)
        return query, key, value

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) -> (B, T, width)."""
        positions = torch.arange(x.shape[1], device=x.device)
        query, key, value = self.project(x, positions)
        return self._attend(query, key, value, positions, positions)

    def start(self, batch: int) -> State:
        """No keys, no values, no position seen."""
        weight = self.key.weight
        empty = weight.new_zeros(batch, self.groups, 0, self.size)
        seen = torch.zeros(1, dtype=torch.long, device=weight.device)
        return {"key": empty, "value": empty, "seen": seen}

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """(B, width) or a chunk (B, n, width) -> the same; the cache grows up to the window."""
        chunk = x if x.dim() == 3 else x[:, None]
        here = state["seen"].to(x.device) + torch.arange(chunk.shape[1], device=x.device)
        query, key, value = self.project(chunk, here)
        seen = -(self.window + len(here) - 1) if self.window else None
        key = torch.cat((state["key"], key), 2)[:, :, seen:]
        value = torch.cat((state["value"], value), 2)[:, :, seen:]
        past = here[-1:] - torch.arange(key.shape[2] - 1, -1, -1, device=x.device)
        mixed = self._attend(query, key, value, here, past).view_as(x)
        kept = -self.window if self.window else None
        after = {"key": key[:, :, kept:], "value": value[:, :, kept:], "seen": here[-1:] + 1}
        return mixed, after

    def _attend(
        self, query: Tensor, key: Tensor, value: Tensor, here: Tensor, there: Tensor
    ) -> Tensor:
        """here, there: positions of the queries and of the keys."""
        mask = self._mask(here, there, query.dtype)
        if self.sink_key is not None and self.sink_value is not None:
            key = torch.cat((self.sink_key.expand(len(key), -1, -1, -1), key), 2)
            value = torch.cat((self.sink_value.expand(len(value), -1, -1, -1), value), 2)
            mask = nnf.pad(mask, (self.sinks, 0), value=0.0 if mask.is_floating_point() else True)
        mixed = nnf.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, enable_gqa=self.groups != self.heads
        )
        joined: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return joined

    def _mask(self, here: Tensor, there: Tensor, dtype: torch.dtype) -> Tensor:
        """Which keys a query sees, (queries, keys); with ALiBi what is added, (heads, ...)."""
        distance = here[:, None] - there
        seen = distance >= 0
        if self.window:
            seen &= distance < self.window
        if self.positions != "alibi":
            return seen
        orders = torch.arange(1, self.heads + 1, device=here.device, dtype=dtype)
        lowered = -(2 ** (-8 * orders / self.heads))[:, None, None] * distance
        return lowered.masked_fill(~seen, -torch.inf)

    def _sink(self) -> nn.Parameter | None:
        shape = (self.groups, self.sinks, self.size)
        return nn.Parameter(torch.randn(shape) * self.size**-0.5) if self.sinks else None


def _fit(width: int, heads: int, groups: int, window: int, positions: str, sinks: int) -> None:
    """Raise BadInput for numbers that do not go together."""
    if heads < 1 or width % heads or (positions == "rotary" and width // heads % 2):
        raise BadInput(
            f"softmax_attention: {heads} heads do not divide the width {width} evenly",
            "choose heads so that width / heads is whole, and even with rotary positions",
        )
    if groups < 1 or heads % groups or window < 0 or sinks < 0:
        raise BadInput(
            f"softmax_attention: groups {groups}, window {window} and sinks {sinks} do not fit"
            f" {heads} heads",
            "groups divides heads; window and sinks are 0 or more",
        )
