"""Linear attention: the softmax replaced by a product of features, the cache by a matrix."""

from __future__ import annotations

import math
from typing import ClassVar, Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from sandbox.errors import BadInput
from tools.architectures.block import State, block
from tools.architectures.heads import size_of_heads
from tools.architectures.linear_recurrence import Kernel, recur, recur_on, recur_once
from tools.architectures.norms import rms

Features: TypeAlias = Literal["elu", "relu", "identity", "taylor"]
Normaliser: TypeAlias = Literal["sum", "rms", "none"]
EPS = 1e-6
TAYLOR_CHUNK = 128


def _taylor(x: Tensor) -> Tensor:
    """Features whose product is 1 + s + s^2 / 2, s = x.y. Each pair is held once."""
    pairs = [x[..., first, None] * x[..., first + 1 :] for first in range(x.shape[-1] - 1)]
    return torch.cat((torch.ones_like(x[..., :1]), x, x.square() * 0.5**0.5, *pairs), -1)


TAYLOR = Kernel(_taylor, lambda s: torch.addcmul(1 + s, s, s, value=0.5))


def plain_linear_attention(module: nn.Module, x: Tensor) -> Tensor:
    """Each position weighs the earlier ones by the kernel of its query and their keys."""
    assert isinstance(module, LinearAttention)
    query, key, value = module.project(x)
    rows = []
    for t in range(x.shape[1]):
        weights = _kernel(module.features, query[:, :, t, None], key[:, :, : t + 1])
        mixed = (weights[..., None] * value[:, :, : t + 1]).sum(2)
        if module.normaliser == "sum":
            mixed = mixed / (weights.sum(-1, keepdim=True) + EPS)
        if module.normaliser == "rms":
            mixed = mixed / (mixed.square().mean(-1, keepdim=True) + EPS).sqrt()
        rows.append(mixed.flatten(1) @ module.out.weight.T)
    return torch.stack(rows, 1)


def _kernel(features: Features, query: Tensor, key: Tensor) -> Tensor:
    if features == "taylor":
        score = (query * key).sum(-1) / math.sqrt(query.shape[-1])
        return 1 + score + score**2 / 2
    if features == "elu":
        query, key = (torch.where(z > 0, z + 1, z.clamp(max=0).exp()) for z in (query, key))
    if features == "relu":
        query, key = query * (query > 0), key * (key > 0)
    return (query * key).sum(-1)


@block("linear_attention", source="arXiv:2006.16236", reference=plain_linear_attention)
class LinearAttention(nn.Module):
    """Causal linear attention (Katharopoulos et al. 2020).

    features: of queries and keys. `elu` is elu + 1; `taylor` makes the kernel 1 + s + s^2 / 2 of
    the softmax's scores s (Arora et al. 2024, arXiv:2402.18668) at 1 + d + d (d + 1) / 2 features.
    normaliser: `sum` divides by the weights' sum, which `identity` cannot (it may be zero); `rms`
    normalises each head's output instead (Qin et al. 2022, arXiv:2210.10340).
    """

    chunks: ClassVar[bool] = True

    def __init__(
        self,
        width: int,
        heads: int = 4,
        features: Features = "elu",
        normaliser: Normaliser = "sum",
    ) -> None:
        super().__init__()
        if features == "identity" and normaliser == "sum":
            raise BadInput(
                "linear_attention: the weights of identity features may sum to zero",
                "set normaliser to rms or none, or choose other features",
            )
        self.heads, self.size = heads, size_of_heads("linear_attention", width, heads)
        self.features, self.normaliser = features, normaliser
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys, values: (B, heads, T, d), before the features."""
        query, key, value = (
            linear(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for linear in (self.query, self.key, self.value)
        )
        return query, key, value

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) -> (B, T, width)."""
        query, key, value = self.project(x)
        still, value = x.new_zeros(1, 1, 1, 1), self._counted(value)
        if self.features == "taylor":
            query, key = query * self.size**-0.25, key * self.size**-0.25
            mixed = recur(query, key, value, still, TAYLOR_CHUNK, TAYLOR)
        else:
            mixed = recur(self._features(query), self._features(key), value, still)
        return self._join(mixed)

    def start(self, batch: int) -> State:
        """An empty matrix a head; its last column sums the keys where they normalise."""
        probe = self.query.weight.new_zeros(self.size)
        shape = (self._features(probe).numel(), self._counted(probe).numel())
        return {"memory": self.query.weight.new_zeros(batch, self.heads, *shape)}

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """(B, width) or a chunk (B, n, width) -> the same."""
        query, key, value = self.project(x if x.dim() == 3 else x[:, None])
        query, key, value = self._features(query), self._features(key), self._counted(value)
        if x.dim() == 3:
            still = x.new_zeros(1, 1, 1, 1)
            mixed, memory = recur_on(query, key, value, still, state["memory"])
            return self._join(mixed), {"memory": memory}
        query, key, value = (part[:, :, 0] for part in (query, key, value))
        mixed, memory = recur_once(query, key, value, x.new_zeros(1), state["memory"])
        return self.out(self._normalised(mixed).flatten(1)), {"memory": memory}

    def _join(self, mixed: Tensor) -> Tensor:
        joined: Tensor = self.out(self._normalised(mixed).transpose(1, 2).flatten(2))
        return joined

    def _features(self, x: Tensor) -> Tensor:
        if self.features == "elu":
            return nnf.elu(x) + 1
        if self.features == "relu":
            return nnf.relu(x)
        if self.features == "taylor":
            return _taylor(x * self.size**-0.25)
        return x

    def _counted(self, value: Tensor) -> Tensor:
        """Values with a one appended, whose mixture is the weights' sum."""
        return nnf.pad(value, (0, 1), value=1.0) if self.normaliser == "sum" else value

    def _normalised(self, mixed: Tensor) -> Tensor:
        if self.normaliser == "sum":
            return mixed[..., :-1] / (mixed[..., -1:] + EPS)
        return rms(mixed, EPS) if self.normaliser == "rms" else mixed
