"""A mixture of experts as channel mixer: each position goes through a few of many networks."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from sandbox.errors import BadInput
from tools.architectures.block import block
from tools.architectures.blocks.glu import GLU, plain_glu


def plain_mixture(module: nn.Module, x: Tensor) -> Tensor:
    """Every expert on every position, then a sum in which those that were not chosen weigh 0."""
    assert isinstance(module, MixtureOfExperts)
    logits = x @ module.router.weight.T
    scores = logits.sigmoid() if module.gate == "sigmoid" else logits.softmax(-1)
    ranks = (scores + module.bias).argsort(-1, descending=True).argsort(-1)
    weights = scores * (ranks < module.active)
    if module.active > 1:
        weights = weights / weights.sum(-1, keepdim=True)
    total = torch.zeros_like(x)
    for number in range(len(module.down)):
        gate, up = x @ module.gates[number].T, x @ module.up[number].T
        said = (gate * gate.sigmoid() * up) @ module.down[number].T
        total = total + weights[..., number, None] * said
    return total if module.shared is None else total + plain_glu(module.shared, x)


@block("mixture_of_experts", source="arXiv:1701.06538", mixes="channel", reference=plain_mixture)
class MixtureOfExperts(nn.Module):
    """Top-k routed SwiGLU experts, none dropped, beside shared ones that see every position.

    expansion: of one expert. active: experts a position goes through; with one, its output is
    weighted by its score (Fedus et al. 2021, arXiv:2101.03961), with more the scores of the chosen
    are divided by their sum. shared: experts for all (Dai et al. 2024, arXiv:2401.06066). balance:
    `loss` adds `strength` x the Switch Transformer's balance loss; `bias` adds to the scores, for
    the choice alone, a bias that moves by `speed` towards equal loads at each backward pass (Wang
    et al. 2024, arXiv:2408.15664).
    """

    bias: Tensor

    def __init__(
        self,
        width: int,
        expansion: float = 1.0,
        experts: int = 4,
        active: int = 2,
        shared: int = 0,
        gate: Literal["softmax", "sigmoid"] = "softmax",
        balance: Literal["loss", "bias", "none"] = "loss",
        strength: float = 0.01,
        speed: float = 0.001,
    ) -> None:
        super().__init__()
        if not 1 <= active <= experts or experts < 2:
            raise BadInput(
                f"mixture_of_experts: active: {active} of {experts} experts",
                "let one to all of at least two be active; a single one is a glu",
            )
        if shared < 0 or strength < 0 or speed < 0:
            raise BadInput(
                "mixture_of_experts: shared, strength and speed are not negative", "use 0 for none"
            )
        hidden = max(1, math.ceil(width * expansion))
        self.active, self.gate, self.balance = active, gate, balance
        self.strength, self.speed = strength, speed
        self.router = nn.Linear(width, experts, bias=False)
        self.gates = _drawn(experts, hidden, width)
        self.up = _drawn(experts, hidden, width)
        self.down = _drawn(experts, width, hidden)
        self.shared = GLU(width, shared * hidden / width) if shared else None
        self.register_buffer("bias", torch.zeros(experts))
        self.load = torch.zeros(experts)
        self.auxiliary = torch.zeros(())

    @property
    def idle_parameters(self) -> int:
        """Those of the experts that one position does not go through."""
        experts = len(self.down)
        routed = sum(part.numel() for part in (self.gates, self.up, self.down))
        return routed // experts * (experts - self.active)

    def forward(self, x: Tensor) -> Tensor:
        """(*, width) -> (*, width); leaves `load`, the share of the choices an expert got."""
        rows = x.flatten(0, -2)
        scores, chosen, weights = self.route(rows)
        self._balance(scores, chosen)
        mixed = self._dispatch(rows, chosen, weights).view_as(x)
        if self.shared is not None:
            mixed = mixed + self.shared(x)
        return mixed

    def route(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(N, width) -> scores (N, experts); the chosen (N, active) and their weights."""
        logits = self.router(rows)
        scores = logits.sigmoid() if self.gate == "sigmoid" else logits.softmax(-1)
        chosen = (scores + self.bias).topk(self.active, -1).indices
        weights = scores.gather(-1, chosen)
        if self.active > 1:
            weights = weights / weights.sum(-1, keepdim=True)
        return scores, chosen, weights

    def _dispatch(self, rows: Tensor, chosen: Tensor, weights: Tensor) -> Tensor:
        """Rows sorted by expert, one product an expert, then back to their places."""
        order = chosen.flatten().argsort(stable=True)
        sizes = torch.bincount(chosen.flatten(), minlength=len(self.down)).tolist()
        places = order // self.active
        said = []
        parts = torch.split(rows[places], sizes)
        for number, part in enumerate(parts):
            gate, up = part @ self.gates[number].T, part @ self.up[number].T
            said.append((nnf.silu(gate) * up) @ self.down[number].T)
        weighted = torch.cat(said) * weights.flatten()[order, None]
        return torch.zeros_like(rows).index_add(0, places, weighted)

    def _balance(self, scores: Tensor, chosen: Tensor) -> None:
        counts = torch.bincount(chosen.flatten(), minlength=len(self.down))
        self.load = counts.to(scores.dtype) / chosen.numel()
        self.auxiliary = scores.new_zeros(())
        if self.balance == "loss":
            shares = scores / scores.sum(-1, keepdim=True)
            self.auxiliary = self.strength * len(self.load) * (self.load * shares.mean(0)).sum()
        elif self.balance == "bias" and self.training and torch.is_grad_enabled():
            # Without a value, so that only descending the auxiliary moves the bias: once a step.
            self.auxiliary.requires_grad_().register_hook(self._move)  # type: ignore[no-untyped-call]

    def _move(self, gradient: Tensor) -> None:
        self.bias += self.speed * (1 / len(self.load) - self.load).sign()


def _drawn(experts: int, rows: int, columns: int) -> nn.Parameter:
    """Matrices as nn.Linear draws them."""
    bound = columns**-0.5
    return nn.Parameter(torch.empty(experts, rows, columns).uniform_(-bound, bound))
