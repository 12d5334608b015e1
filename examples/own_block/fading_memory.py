"""A block of one's own: linear attention whose memory fades at a rate that each head learns."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from sandbox.errors import BadInput
from tools.architectures.block import State, block

EPS = 1e-6


def plain_fading_memory(module: nn.Module, x: Tensor) -> Tensor:
    """The same in the plainest way: one position after the other, as a matrix that fades."""
    assert isinstance(module, FadingMemory)
    state, rows = module.start(len(x)), []
    for t in range(x.shape[1]):
        y, state = module.step(x[:, t], state)
        rows.append(y)
    return torch.stack(rows, 1)


@block("fading_memory", source="an example of Hanji", reference=plain_fading_memory)
class FadingMemory(nn.Module):
    """Linear attention with unit keys, a learned decay a head, and a norm of each head's output."""

    def __init__(self, width: int, heads: int = 2) -> None:
        super().__init__()
        if heads < 1 or width % heads:
            raise BadInput(f"fading_memory: {heads} heads, width {width}", "heads divide the width")
        self.heads, self.size = heads, width // heads
        self.joint = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.fade = nn.Parameter(torch.linspace(3.0, 6.0, heads))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) -> (B, T, width): every pair of positions at once."""
        query, key, value = self.project(x)
        place = torch.arange(x.shape[1], device=x.device)
        since = place[:, None] - place
        faded = torch.exp(nnf.logsigmoid(self.fade)[:, None, None] * since.clamp(min=0))
        weights = (query @ key.transpose(-1, -2)) * faded * (since >= 0)
        return self.join((weights @ value).transpose(1, 2))

    def start(self, batch: int) -> State:
        """An empty memory: one matrix a head."""
        shape = (batch, self.heads, self.size, self.size)
        return {"memory": self.out.weight.new_zeros(shape)}

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """One position, x: (B, width)."""
        query, key, value = (part[:, :, 0] for part in self.project(x[:, None]))
        memory = state["memory"] * torch.sigmoid(self.fade)[:, None, None]
        memory = memory + key[..., :, None] * value[..., None, :]
        return self.join((query[..., None, :] @ memory)[..., 0, :]), {"memory": memory}

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys of length one, values: (B, heads, T, size)."""
        parts = self.joint(x).unflatten(-1, (3, self.heads, self.size)).movedim(-3, 0)
        query, key, value = (part.transpose(1, 2) for part in parts)
        return query, nnf.normalize(key, dim=-1), value

    def join(self, mixed: Tensor) -> Tensor:
        """Heads' outputs (..., heads, size), each normed, together projected."""
        normed = mixed * (mixed.square().mean(-1, keepdim=True) + EPS).rsqrt()
        joined: Tensor = self.out(normed.flatten(-2))
        return joined
