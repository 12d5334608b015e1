"""Which tokens a diffusion hides, and what each hidden one weighs in the bound."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor

LEAST_RATE = 1e-3
Times: TypeAlias = Literal["stratified", "uniform"]
Noise: TypeAlias = Literal["rate", "count"]


@dataclass(frozen=True)
class Hidden:
    """What is hidden. where: (N, S) of bool. weight: (N, 1).

    The weight times the summed nats of a row's hidden tokens has the row's bound as its mean.
    """

    where: Tensor
    weight: Tensor


def times(count: int, draw: torch.Generator, kind: Times) -> Tensor:
    """(count, 1) in [0, 1): independent, or one in each of `count` equal strata in random order.

    The strata are MDLM's low-discrepancy sampler (Sahoo et al. 2024, arXiv:2406.07524).
    """
    if kind == "uniform":
        return torch.rand(count, 1, generator=draw, device=draw.device)
    offset = torch.rand(1, generator=draw, device=draw.device)
    order = torch.randperm(count, generator=draw, device=draw.device)
    return ((offset + order) / count % 1.0)[:, None]


def by_rate(asked: Tensor, t: Tensor, draw: torch.Generator) -> Hidden:
    """Hide each asked token with probability t, weight 1 / t (LLaDA's loss, arXiv:2502.09992).

    asked: (N, S). t: (N, 1), lifted to at least LEAST_RATE.
    """
    rate = t.clamp_min(LEAST_RATE).to(asked.device)
    return Hidden(_uniform(asked, draw).lt(rate) & asked, 1 / rate)


def by_count(asked: Tensor, t: Tensor, draw: torch.Generator) -> Hidden:
    """Hide exactly ceil(t n) of a row's n asked tokens, weight n / count: same mean, less spread.

    With one asked token a row this is its exact likelihood. asked: (N, S). t: (N, 1) in [0, 1).
    """
    n = asked.sum(-1, keepdim=True)
    count = ((t.to(asked.device) * n).floor() + 1).clamp_max(n.clamp_min(1))
    score = _uniform(asked, draw).masked_fill(~asked, math.inf)
    where = score.argsort(-1).argsort(-1).lt(count) & asked
    return Hidden(where, n / count)


NOISES = {"rate": by_rate, "count": by_count}


def _uniform(like: Tensor, draw: torch.Generator) -> Tensor:
    return torch.rand(like.shape, generator=draw, device=draw.device).to(like.device)
