"""Filling in hidden tokens, a few at each forward pass."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from tools.architectures.decode import Sampling, choose


def fill(
    tokens: Tensor,
    mask: int,
    predict: Callable[[Tensor], Tensor],
    draw: torch.Generator,
    how: Sampling,
) -> tuple[Tensor, int]:
    """Replace every `mask` in tokens (B, L); predict: tokens -> logits (B, L, V).

    Every row has the same number of them. Gives the tokens and the number of passes. The chosen
    token's probability is its confidence (LLaDA's low-confidence remasking, arXiv:2502.09992);
    filling one a pass at random is exact sampling from an any-order model.
    """
    left, passes = int((tokens[0] == mask).sum()), 0
    while left:
        hidden = tokens == mask
        logits = predict(tokens)
        chosen = choose(logits, how.temperature, draw)
        if how.order == "confidence":
            score = logits.softmax(-1).gather(-1, chosen[..., None])[..., 0]
        else:
            score = torch.rand(tokens.shape, generator=draw, device=draw.device).to(tokens.device)
        count = min(how.per_pass, left)
        places = score.masked_fill(~hidden, -math.inf).topk(count, -1).indices
        tokens = tokens.scatter(1, places, chosen.gather(1, places))
        left, passes = left - count, passes + 1
    return tokens, passes
