"""Optimizers by name, and the learning rate over a training's budget."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Muon, Optimizer

from sandbox.errors import UnknownName

Maker: TypeAlias = Callable[[nn.Module, float, float], list[Optimizer]]
PEAK = "peak"
"""Key of a parameter group that holds the rate at the end of the warm-up."""
FLOOR = 0.05
"""Share of the peak rate at the end of a training."""


def new_optimizers(name: str, model: nn.Module, rate: float, decay: float) -> list[Optimizer]:
    """Optimizers that together hold every parameter once. Raises UnknownName.

    rate: at the end of the warm-up. decay: of weights, decoupled. Gains and biases have none: what
    has fewer than two dimensions, or is named in its module's `undecayed`.
    """
    if name not in OPTIMIZERS:
        raise UnknownName("optimizer", name, list(OPTIMIZERS))
    found = OPTIMIZERS[name](model, rate, decay)
    for optimizer in found:
        for group in optimizer.param_groups:
            group[PEAK] = rate
    return found


def set_rate(optimizers: Iterable[Optimizer], share: float) -> None:
    """Set every rate to that share of its peak."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group[PEAK] * share


def share_of_peak(done: float, warmup: float, decay: str) -> float:
    """Share of the peak rate when `done` of the budget is spent: up a line, then down to 5%.

    done, warmup: in [0, 1]. decay: `cosine` or `linear`. Raises UnknownName.
    """
    if decay not in DECAYS:
        raise UnknownName("decay", decay, list(DECAYS))
    if done < warmup:
        return done / warmup
    left = (min(done, 1.0) - warmup) / (1.0 - warmup) if warmup < 1.0 else 1.0
    return FLOOR + (1.0 - FLOOR) * DECAYS[decay](left)


def _adamw(model: nn.Module, rate: float, decay: float) -> list[Optimizer]:
    """AdamW for all (Loshchilov & Hutter 2019, arXiv:1711.05101)."""
    return [_adamw_of(model, [p for p in model.parameters() if p.requires_grad], rate, decay)]


def _muon(model: nn.Module, rate: float, decay: float) -> list[Optimizer]:
    """Muon for the hidden matrices, AdamW for embeddings, heads, gains, biases and kernels.

    Updates are scaled to the size of AdamW's, so that both share one rate (Liu et al. 2025,
    arXiv:2502.16982). A model without hidden matrices has AdamW alone.
    """
    hidden = hidden_matrices(model)
    chosen = {id(matrix) for matrix in hidden}
    rest = [p for p in model.parameters() if p.requires_grad and id(p) not in chosen]
    found: list[Optimizer] = []
    if hidden:
        found.append(Muon(hidden, lr=rate, weight_decay=decay, adjust_lr_fn="match_rms_adamw"))
    if rest:
        found.append(_adamw_of(model, rest, rate, decay))
    return found


def hidden_matrices(model: nn.Module) -> list[Tensor]:
    """Weights of the linear maps between the embeddings and the head.

    Other parameters of two dimensions (kernels of short convolutions, one row a head) are no
    matrices that map a vector, and weights that are also an embedding are none either.
    """
    modules = list(model.modules())
    outer = {id(m.weight) for m in modules if isinstance(m, nn.Embedding)}
    heads = [getattr(module, "head", None) for module in modules]
    outer |= {id(head.weight) for head in heads if isinstance(head, nn.Linear)}
    linear = {id(m.weight): m.weight for m in modules if isinstance(m, nn.Linear)}
    return [w for key, w in linear.items() if w.requires_grad and key not in outer]


def _adamw_of(
    model: nn.Module, parameters: Sequence[Tensor], rate: float, decay: float
) -> Optimizer:
    spared = _undecayed(model)
    plain = [p for p in parameters if p.ndim < 2 or id(p) in spared]
    decayed = [p for p in parameters if p.ndim > 1 and id(p) not in spared]
    groups = [
        {"params": decayed, "weight_decay": decay},
        {"params": plain, "weight_decay": 0.0},
    ]
    whole = all(p.dtype in (torch.float32, torch.float64) for p in parameters)
    return AdamW([g for g in groups if g["params"]], lr=rate, betas=(0.9, 0.98), fused=whole)


def _undecayed(model: nn.Module) -> set[int]:
    """Parameters that their modules name as gains or biases."""
    return {
        id(parameter)
        for module in model.modules()
        for name, parameter in module.named_parameters(recurse=False)
        if name in getattr(module, "undecayed", ())
    }


OPTIMIZERS: Mapping[str, Maker] = {"adamw": _adamw, "muon": _muon}
DECAYS: Mapping[str, Callable[[float], float]] = {
    "cosine": lambda left: 0.5 * (1.0 + math.cos(math.pi * left)),
    "linear": lambda left: 1.0 - left,
}
