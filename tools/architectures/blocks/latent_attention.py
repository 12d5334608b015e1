"""Multi-head latent attention: keys and values are read out of one small cached vector."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor, nn

from sandbox.errors import BadInput
from tools.architectures.block import State, block
from tools.architectures.heads import size_of_heads
from tools.architectures.norms import RMSNorm
from tools.architectures.rotary import rotate
from tools.architectures.scaled_dot_product import attend


def plain_latent_attention(module: nn.Module, x: Tensor) -> Tensor:
    """Each position looks back with the keys and values that the latents unfold into."""
    assert isinstance(module, LatentAttention)
    query, turned, latent, shared = module.project(x, torch.arange(x.shape[1], device=x.device))
    shape = (*x.shape[:2], module.heads, module.size)
    key = (latent @ module.key.weight.T).view(shape)
    value = (latent @ module.value.weight.T).view(shape)
    rows = []
    for t in range(x.shape[1]):
        content = (query[:, :, t, None] * key[:, : t + 1].transpose(1, 2)).sum(-1)
        place = (turned[:, :, t, None] * shared[:, None, : t + 1]).sum(-1)
        scores = (content + place) / math.sqrt(module.size + module.rotary)
        weights = scores.exp() / scores.exp().sum(-1, keepdim=True)
        mixed = (weights[..., None] * value[:, : t + 1].transpose(1, 2)).sum(2)
        rows.append(mixed.flatten(1) @ module.out.weight.T)
    return torch.stack(rows, 1)


@block(
    "latent_attention",
    source="arXiv:2405.04434",
    reference=plain_latent_attention,
    constant_state=False,
)
class LatentAttention(nn.Module):
    """Multi-head latent attention (DeepSeek-V2, 2024): a cache of one latent and one rotary key.

    latent: width of what keys and values are made from, 0 for half the model's. rotary: features of
    the rotary key that all heads share, 0 for no positions. query_latent: width that queries are
    compressed to, 0 for none.
    """

    chunks: ClassVar[bool] = True

    def __init__(
        self,
        width: int,
        heads: int = 4,
        latent: int = 0,
        rotary: int = 8,
        query_latent: int = 0,
    ) -> None:
        super().__init__()
        if latent < 0 or query_latent < 0 or rotary < 0 or rotary % 2:
            raise BadInput(
                f"latent_attention: latent {latent}, query_latent {query_latent}, rotary {rotary}",
                "all are 0 or more, and rotary is even",
            )
        self.size = size_of_heads("latent_attention", width, heads)
        self.heads, self.rotary = heads, rotary
        self.latent = latent or max(1, width // 2)
        asked = heads * (self.size + rotary)
        self.query = _compressed(width, query_latent, asked)
        self.down = nn.Linear(width, self.latent + rotary, bias=False)
        self.norm = RMSNorm(self.latent)
        self.key = nn.Linear(self.latent, width, bias=False)
        self.value = nn.Linear(self.latent, width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def project(self, x: Tensor, positions: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Queries (B, heads, T, d), their rotary parts (B, heads, T, r), latents and rotary keys.

        The last two, (B, T, latent) and (B, T, r), are all that decoding has to keep.
        """
        query = self.query(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        query, turned = query.split((self.size, self.rotary), -1)
        latent, shared = self.down(x).split((self.latent, self.rotary), -1)
        if self.rotary:
            turned, shared = rotate(turned, positions), rotate(shared, positions)
        return query, turned, self.norm(latent), shared

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) -> (B, T, width), with keys and values unfolded."""
        positions = torch.arange(x.shape[1], device=x.device)
        query, turned, latent, shared = self.project(x, positions)
        key, value = (
            linear(latent).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for linear in (self.key, self.value)
        )
        shared = shared[:, None].expand(-1, self.heads, -1, -1)
        mask = positions[:, None] >= positions
        mixed = attend(torch.cat((query, turned), -1), torch.cat((key, shared), -1), value, mask)
        joined: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return joined

    def start(self, batch: int) -> State:
        """No latents, no rotary keys."""
        weight = self.key.weight
        return {
            "latent": weight.new_zeros(batch, 0, self.latent),
            "shared": weight.new_zeros(batch, 0, self.rotary),
        }

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """(B, width) or a chunk (B, n, width) -> the same.

        Queries go to the latents, which are never unfolded.
        """
        chunk, seen = x if x.dim() == 3 else x[:, None], state["latent"].shape[1]
        here = seen + torch.arange(chunk.shape[1], device=x.device)
        query, turned, latent, shared = self.project(chunk, here)
        latent = torch.cat((state["latent"], latent), 1)
        shared = torch.cat((state["shared"], shared), 1)
        unfold_key = self.key.weight.view(self.heads, self.size, self.latent)
        unfold_value = self.value.weight.view(self.heads, self.size, self.latent)
        asked = torch.einsum("bhtd,hdl->bhtl", query, unfold_key)
        scores = asked @ latent[:, None].mT + turned @ shared[:, None].mT
        later = torch.arange(latent.shape[1], device=x.device) > here[:, None]
        scores = scores.masked_fill(later, -torch.inf) / math.sqrt(self.size + self.rotary)
        mixed = torch.einsum("bhtl,hdl->bthd", scores.softmax(-1) @ latent[:, None], unfold_value)
        return self.out(mixed.flatten(2)).view_as(x), {"latent": latent, "shared": shared}


def _compressed(width: int, latent: int, outputs: int) -> nn.Module:
    if not latent:
        return nn.Linear(width, outputs, bias=False)
    return nn.Sequential(
        nn.Linear(width, latent, bias=False),
        RMSNorm(latent),
        nn.Linear(latent, outputs, bias=False),
    )
