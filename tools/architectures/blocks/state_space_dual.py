"""State space duality: a state space model whose decay is one number a head (Mamba-2)."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from sandbox.errors import BadInput
from tools.architectures.block import State, block
from tools.architectures.convolved import Convolved
from tools.architectures.forgetting import Forgetting
from tools.architectures.heads import join_heads, size_of_heads, split_heads
from tools.architectures.linear_recurrence import recur, recur_on, recur_once
from tools.architectures.norms import EPS, RMSNorm


def plain_state_space_dual(module: nn.Module, x: Tensor) -> Tensor:
    """State h <- exp(dt A) h + dt x B^T, y = h C + D x, head by head, position by position."""
    assert isinstance(module, StateSpaceDual)
    hidden, reading, writing = module.project(x)
    timestep = (x @ module.forgetting.linear.weight.T + module.forgetting.bias).exp().log1p()
    rows = []
    state = x.new_zeros(x.shape[0], module.heads, hidden.shape[-1], module.size)
    for t in range(x.shape[1]):
        heads = []
        for head in range(module.heads):
            step, now = timestep[:, t, head, None, None], hidden[:, head, t]
            kept = (-step * module.forgetting.log_rate[head].exp()).exp() * state[:, head]
            new = kept + step * now[:, :, None] * writing[:, 0, t, None, :]
            state = state.clone()
            state[:, head] = new
            read = (new * reading[:, 0, t, None, :]).sum(-1)
            heads.append(read + module.skip[head] * now)
        row, gate = torch.cat(heads, -1), x[:, t] @ module.gate.weight.T
        row = row * gate / (1 + (-gate).exp())
        row = row / (row.square().mean(-1, keepdim=True) + EPS).sqrt() * module.norm.gain
        rows.append(row @ module.out.weight.T)
    return torch.stack(rows, 1)


@block("state_space_dual", source="arXiv:2405.21060", reference=plain_state_space_dual)
class StateSpaceDual(nn.Module):
    """SSD, the mixer of Mamba-2 (Dao & Gu 2024): a scalar decay a head, chosen by the input.

    size: of the state a feature has, shared reading and writing directions for all heads.
    expansion: inner width over the model's; 2 in the paper, where no channel mixer follows.
    convolution: positions that the short convolution of the projections reads, 0 for none.
    shortest, longest, fastest: where time steps and decay rates start, see Forgetting; on short
    sequences long steps with slow decays are learned from much sooner.
    """

    chunks: ClassVar[bool] = True

    def __init__(
        self,
        width: int,
        heads: int = 4,
        size: int = 16,
        expansion: float = 1.0,
        convolution: int = 4,
        shortest: float = 1e-3,
        longest: float = 0.1,
        fastest: float = 16.0,
    ) -> None:
        super().__init__()
        inner = round(width * expansion)
        size_of_heads("state_space_dual", inner, heads)
        if size < 1 or inner < 1:
            raise BadInput(f"state_space_dual: size {size}, inner width {inner}", "use 1 or more")
        self.heads, self.size = heads, size
        self.hidden = nn.Linear(width, inner, bias=False)
        self.reading = nn.Linear(width, size, bias=False)
        self.writing = nn.Linear(width, size, bias=False)
        self.convolved = Convolved("state_space_dual", inner + 2 * size, convolution)
        self.forgetting = Forgetting(width, heads, shortest, longest, fastest)
        self.gate = nn.Linear(width, inner, bias=False)
        self.skip = nn.Parameter(torch.ones(heads))
        self.norm = RMSNorm(inner)
        self.out = nn.Linear(inner, width, bias=False)

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Hidden (B, heads, T, d); reading and writing (B, 1, T, size)."""
        return self._directed(self.convolved(self._projected(x)))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) -> (B, T, width)."""
        hidden, reading, writing = self.project(x)
        log_decay, timestep = self.forgetting(x)
        mixed = recur(reading, writing, hidden * timestep[..., None], log_decay[..., None])
        return self._join(join_heads(mixed + self.skip[:, None, None] * hidden), x)

    def start(self, batch: int) -> State:
        """A matrix of zeros a head."""
        shape = (batch, self.heads, self.size, self.hidden.out_features // self.heads)
        return {"memory": self.hidden.weight.new_zeros(shape), **self.convolved.start(batch)}

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """(B, width) or a chunk (B, n, width) -> the same."""
        parts, past = self.convolved.step(self._projected(x), state)
        if x.dim() == 3:
            y, memory = self._read(x, parts, state["memory"])
            return y, {"memory": memory, **past}
        hidden, reading, writing = parts
        hidden = hidden.view(len(x), self.heads, -1)
        log_decay, timestep = self.forgetting(x[:, None])
        mixed, memory = recur_once(
            reading[:, None], writing[:, None], hidden * timestep, log_decay, state["memory"]
        )
        mixed = mixed + self.skip[:, None] * hidden
        return self._join(mixed.flatten(1), x), {"memory": memory, **past}

    def _read(self, x: Tensor, parts: tuple[Tensor, ...], memory: Tensor) -> tuple[Tensor, Tensor]:
        """A chunk at once, and the memory after it."""
        hidden, reading, writing = self._directed(parts)
        log_decay, timestep = self.forgetting(x)
        written = hidden * timestep[..., None]
        mixed, memory = recur_on(reading, writing, written, log_decay[..., None], memory)
        return self._join(join_heads(mixed + self.skip[:, None, None] * hidden), x), memory

    def _directed(self, parts: tuple[Tensor, ...]) -> tuple[Tensor, Tensor, Tensor]:
        hidden, reading, writing = parts
        return split_heads(hidden, self.heads), reading[:, None], writing[:, None]

    def _projected(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.hidden(x), self.reading(x), self.writing(x)

    def _join(self, mixed: Tensor, x: Tensor) -> Tensor:
        """Heads' outputs, gated by the input, normed and projected."""
        joined: Tensor = self.out(self.norm(mixed * nnf.silu(self.gate(x))))
        return joined
