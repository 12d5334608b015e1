"""A convolution as long as the sequence, between two gates, as in Hyena."""

from __future__ import annotations

import math
from typing import ClassVar, Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from sandbox.errors import BadInput
from tools.architectures.block import State, block

FilterKind: TypeAlias = Literal["implicit", "explicit"]
WAVES, HIDDEN, FREQUENCY = 8, 32, 10.0
FADED = 1e-2
FAST_SHARE, SLOW_SHARE = 0.3, 1.5
"""Share of the span over which the fastest and the slowest feature's filter fade to FADED."""


def plain_long_convolution(module: nn.Module, x: Tensor) -> Tensor:
    """sum_s h[s] u[t - s], lag by lag, between the gates."""
    assert isinstance(module, LongConvolution)
    taps = module.filter(x.shape[1], x)
    gate, inner, value = (
        x @ linear.weight.T for linear in (module.gate, module.inner, module.value)
    )
    rows = []
    for t in range(x.shape[1]):
        total = module.skip * inner[:, t] * value[:, t]
        for lag in range(t + 1):
            total = total + taps[lag] * inner[:, t - lag] * value[:, t - lag]
        rows.append((gate[:, t] * total) @ module.out.weight.T)
    return torch.stack(rows, 1)


@block(
    "long_convolution",
    source="arXiv:2302.10866",
    reference=plain_long_convolution,
    constant_state=False,
)
class LongConvolution(nn.Module):
    """Hyena of order two (Poli et al. 2023): gate, causal convolution over all lags, gate.

    filter: `implicit`, a small network of the lag under a fading window; or `explicit`, a free
    weight for each of the first `span` lags and none beyond. span: lags that the implicit filter's
    waves and windows are laid out for; it reaches further, faded. The paper's short convolution is
    the layer's `convolution`. Decoding keeps all past inputs.
    """

    chunks: ClassVar[bool] = True

    def __init__(self, width: int, filter: FilterKind = "implicit", span: int = 128) -> None:
        super().__init__()
        if span < 1:
            raise BadInput(f"long_convolution: span: {span} is below 1", "use about the length")
        self.width = width
        self.gate = nn.Linear(width, width, bias=False)
        self.inner = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        kinds = {"implicit": ImplicitFilter, "explicit": ExplicitFilter}
        self.filter = kinds[filter](width, span)
        self.skip = nn.Parameter(torch.ones(width))
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, width) -> (B, T, width)."""
        joined: Tensor = self.out(self.gate(x) * self._mixed(self.inner(x) * self.value(x)))
        return joined

    def _mixed(self, inputs: Tensor) -> Tensor:
        """(B, T, width), filtered from the first position on."""
        length = inputs.shape[1]
        size = 2 ** math.ceil(math.log2(2 * length))
        taps = torch.fft.rfft(self.filter(length, inputs), n=size, dim=0)
        spectrum = torch.fft.rfft(inputs.transpose(1, 2), n=size) * taps.T
        mixed: Tensor = torch.fft.irfft(spectrum, n=size)[..., :length].transpose(1, 2)
        return mixed + self.skip * inputs

    def start(self, batch: int) -> State:
        """No input seen."""
        return {"past": self.skip.new_zeros(batch, 0, self.width)}

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """(B, width) or a chunk (B, n, width) -> the same; the cache grows by what is read."""
        inputs = self.inner(x) * self.value(x)
        if x.dim() == 3:
            past = torch.cat((state["past"], inputs), 1)
            mixed = self._mixed(past)[:, -x.shape[1] :]
            return self.out(self.gate(x) * mixed), {"past": past}
        past = torch.cat((state["past"], inputs[:, None]), 1)
        taps = self.filter(past.shape[1], x).flip(0)
        mixed = torch.einsum("btd,td->bd", past, taps) + self.skip * inputs
        return self.out(self.gate(x) * mixed), {"past": past}


class ImplicitFilter(nn.Module):
    """A network of sines from a lag's waves to each feature's tap, under a fading window."""

    def __init__(self, width: int, span: int) -> None:
        super().__init__()
        self.span = span
        self.first = nn.Linear(1 + 2 * WAVES, HIDDEN)
        self.second = nn.Linear(HIDDEN, HIDDEN)
        self.frequency = nn.Parameter(torch.full((HIDDEN,), FREQUENCY))
        self.last = nn.Linear(HIDDEN, width, bias=False)
        shares = torch.linspace(FAST_SHARE, SLOW_SHARE, width)
        self.fading = nn.Parameter(-math.log(FADED) / (shares * span))

    def forward(self, length: int, like: Tensor) -> Tensor:
        """Taps of the first `length` lags: (length, width), on the device of `like`."""
        lags = torch.arange(length, device=like.device, dtype=like.dtype)[:, None]
        waves = torch.arange(1, WAVES + 1, device=like.device, dtype=like.dtype)
        angles = 2 * math.pi / self.span * lags * waves
        features = torch.cat((lags / self.span, angles.cos(), angles.sin()), 1)
        hidden = (self.frequency * self.first(features)).sin()
        hidden = (self.frequency * self.second(hidden)).sin()
        taps: Tensor = self.last(hidden) * (-lags * self.fading.abs()).exp()
        return taps


class ExplicitFilter(nn.Module):
    """A weight for each lag and feature, none beyond `span` lags."""

    def __init__(self, width: int, span: int) -> None:
        super().__init__()
        self.taps = nn.Parameter(torch.randn(span, width) * span**-0.5)

    def forward(self, length: int, like: Tensor) -> Tensor:
        """Taps of the first `length` lags: (length, width)."""
        return nnf.pad(self.taps[:length], (0, 0, 0, max(0, length - len(self.taps))))
