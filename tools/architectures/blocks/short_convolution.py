"""A short causal convolution of each feature on its own."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from sandbox.errors import BadInput
from tools.architectures.block import State, block


def plain_convolution(module: nn.Module, x: Tensor) -> Tensor:
    """sum_k w[k] x[t - K + 1 + k], position by position."""
    assert isinstance(module, ShortConvolution)
    rows = []
    for t in range(x.shape[1]):
        total = module.bias.expand(x.shape[0], -1)
        for k in range(module.kernel):
            past = t - module.kernel + 1 + k
            if past >= 0:
                total = total + module.weight[:, k] * x[:, past]
        rows.append(nnf.silu(total) if module.activated else total)
    return torch.stack(rows, 1)


@block("short_convolution", source="arXiv:2302.10866", reference=plain_convolution)
class ShortConvolution(nn.Module):
    """Depthwise causal convolution, as H3, Hyena and Mamba have it beside their mixers.

    activated: SiLU after it, as Mamba has; a layer's own convolution is linear.
    """

    chunks: ClassVar[bool] = True

    def __init__(self, width: int, kernel: int = 4, activated: bool = True) -> None:
        super().__init__()
        if kernel < 1:
            raise BadInput(f"short_convolution: kernel: {kernel} is below 1", "use 2 to 4")
        self.kernel, self.activated = kernel, activated
        self.weight = nn.Parameter(torch.empty(width, kernel))
        self.bias = nn.Parameter(torch.zeros(width))
        nn.init.uniform_(self.weight, -(kernel**-0.5), kernel**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) -> (B, T, width)."""
        padded = nnf.pad(x.transpose(1, 2), (self.kernel - 1, 0))
        return self._activate(self._mix(padded).transpose(1, 2))

    def start(self, batch: int) -> State:
        """The last kernel - 1 inputs, zeros before the first."""
        return {"past": self.weight.new_zeros(batch, self.kernel - 1, self.weight.shape[0])}

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """(B, width) or a chunk (B, n, width) -> the same."""
        window = torch.cat((state["past"], x if x.dim() == 3 else x[:, None]), 1)
        after = {"past": window[:, window.shape[1] - self.kernel + 1 :]}
        if x.dim() == 3:
            return self._activate(self._mix(window.transpose(1, 2)).transpose(1, 2)), after
        mixed = torch.einsum("bkd,dk->bd", window, self.weight) + self.bias
        return self._activate(mixed), after

    def _mix(self, window: Tensor) -> Tensor:
        """(B, width, kernel - 1 + n) -> (B, width, n)."""
        return nnf.conv1d(window, self.weight[:, None], self.bias, groups=len(self.weight))

    def _activate(self, mixed: Tensor) -> Tensor:
        return nnf.silu(mixed) if self.activated else mixed
