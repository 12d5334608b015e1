"""Gated DeltaNet: the delta rule on a memory that also fades."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional as nnf

from sandbox.errors import BadInput
from tools.architectures.block import State, block
from tools.architectures.blocks.delta_net import unit
from tools.architectures.chunked import chunked_delta
from tools.architectures.convolved import Convolved
from tools.architectures.forgetting import Forgetting
from tools.architectures.heads import join_heads, size_of_heads, split_heads
from tools.architectures.norms import EPS, RMSNorm
from tools.architectures.recurrences import delta_step, unrolled


def plain_gated_delta_net(module: nn.Module, x: Tensor) -> Tensor:
    """The rule at one position after the other."""
    assert isinstance(module, GatedDeltaNet)
    mixed, _ = unrolled(delta_step, module.start(len(x))["memory"], *module.project(x))
    mixed = mixed / (mixed.square().mean(-1, keepdim=True) + EPS).sqrt() * module.norm.gain
    gate = x @ module.gate.weight.T
    return (join_heads(mixed) * gate / (1 + (-gate).exp())) @ module.out.weight.T


@block("gated_delta_net", source="arXiv:2412.06464", reference=plain_gated_delta_net)
class GatedDeltaNet(nn.Module):
    """Gated DeltaNet (Yang et al. 2024): Mamba-2's decay, then the delta rule; an output gate.

    keys: features of a head's queries and keys, 0 for as many as its values; they set the state's
    size. negative: rates up to 2 instead of 1 (Grazzi et al. 2024, arXiv:2411.12537). convolution:
    positions that the short convolution of queries, keys and values reads, 0 for none.
    """

    chunks: ClassVar[bool] = True

    def __init__(
        self,
        width: int,
        heads: int = 4,
        keys: int = 0,
        negative: bool = False,
        convolution: int = 4,
        shortest: float = 1e-3,
        longest: float = 0.1,
        fastest: float = 16.0,
    ) -> None:
        super().__init__()
        self.size = size_of_heads("gated_delta_net", width, heads)
        if keys < 0:
            raise BadInput(
                f"gated_delta_net: keys: {keys} is below 0", "use 0 for the values' size"
            )
        self.heads, self.keys, self.negative = heads, keys or self.size, negative
        self.query = nn.Linear(width, heads * self.keys, bias=False)
        self.key = nn.Linear(width, heads * self.keys, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.convolved = Convolved("gated_delta_net", 2 * heads * self.keys + width, convolution)
        self.rate = nn.Linear(width, heads, bias=False)
        self.forgetting = Forgetting(width, heads, shortest, longest, fastest)
        self.gate = nn.Linear(width, width, bias=False)
        self.norm = RMSNorm(self.size)
        self.out = nn.Linear(width, width, bias=False)

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Queries, keys (B, heads, T, keys), values (B, heads, T, d), rates, log decays."""
        return self._ruled(x, self.convolved(self._projected(x)))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) -> (B, T, width)."""
        mixed, _ = chunked_delta(*self.project(x))
        return self._join(join_heads(self.norm(mixed)), x)

    def start(self, batch: int) -> State:
        """A matrix of zeros a head."""
        shape = (batch, self.heads, self.keys, self.size)
        return {"memory": self.query.weight.new_zeros(shape), **self.convolved.start(batch)}

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """(B, width) or a chunk (B, n, width) -> the same."""
        parts, past = self.convolved.step(self._projected(x), state)
        if x.dim() == 3:
            mixed, memory = chunked_delta(*self._ruled(x, parts), state=state["memory"])
            return self._join(join_heads(self.norm(mixed)), x), {"memory": memory, **past}
        query, key, value = (part.view(len(x), self.heads, -1) for part in parts)
        log_decay = self.forgetting(x[:, None])[0][:, :, 0]
        mixed, memory = delta_step(
            state["memory"], unit(query), unit(key), value, self._rate(x), log_decay
        )
        return self._join(self.norm(mixed).flatten(1), x), {"memory": memory, **past}

    def _ruled(
        self, x: Tensor, parts: tuple[Tensor, ...]
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """What the rule needs, from the convolved projections of x: (B, T, width)."""
        query, key, value = (split_heads(part, self.heads) for part in parts)
        rate = self._rate(x).transpose(1, 2)
        return unit(query), unit(key), value, rate, self.forgetting(x)[0]

    def _projected(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.query(x), self.key(x), self.value(x)

    def _rate(self, x: Tensor) -> Tensor:
        rate: Tensor = self.rate(x).sigmoid() * (2 if self.negative else 1)
        return rate

    def _join(self, mixed: Tensor, x: Tensor) -> Tensor:
        """Heads' normed outputs, gated by the input and projected."""
        joined: Tensor = self.out(mixed * nnf.silu(self.gate(x)))
        return joined
