"""Plain feed-forward networks as channel mixer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as nnf

from tools.architectures.block import block


def plain_mlp(module: nn.Module, x: Tensor) -> Tensor:
    """W_down a(W_up x), with the error function written out."""
    assert isinstance(module, MLP)
    hidden = x @ module.up.weight.T
    active: Mapping[str, Callable[[Tensor], Tensor]] = {
        "gelu": lambda h: h * (1 + (h / math.sqrt(2)).erf()) / 2,
        "relu": lambda h: h * (h > 0),
        "relu_squared": lambda h: h**2 * (h > 0),
    }
    return active[module.activation](hidden) @ module.down.weight.T


@block("mlp", source="arXiv:1706.03762", mixes="channel", reference=plain_mlp)
class MLP(nn.Module):
    """Two matrices with an activation between them: GELU, ReLU or its square (arXiv:2109.08668)."""

    def __init__(
        self,
        width: int,
        expansion: float = 4.0,
        activation: Literal["gelu", "relu", "relu_squared"] = "gelu",
    ) -> None:
        super().__init__()
        hidden = max(1, math.ceil(width * expansion))
        self.activation = activation
        self.up = nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(*, width) -> (*, width)."""
        mixed: Tensor = self.down(_ACTIVATIONS[self.activation](self.up(x)))
        return mixed


_ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "gelu": nnf.gelu,
    "relu": nnf.relu,
    "relu_squared": lambda h: nnf.relu(h).square(),
}
