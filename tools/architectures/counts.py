"""What a model costs, counted: parameters, the state it decodes with, operations per token."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from sandbox.errors import BadInput
from tools.architectures.architecture import Architecture
from tools.architectures.backbone import States
from tools.architectures.block import find_block
from tools.architectures.memory import pass_bytes
from tools.architectures.packing import weight_bytes


@runtime_checkable
class Decodes(Protocol):
    """A model that runs one position at a time."""

    def start(self, batch: int) -> States:
        """The states before the first position."""
        ...

    def step(self, token: Tensor, states: States, position: int | Tensor) -> tuple[Tensor, States]:
        """One token (B,) at its position."""
        ...


@dataclass(frozen=True)
class StateSize:
    """What one sequence's decoding state holds after `context` positions.

    floats: numbers of a floating dtype. size_bytes: of every tensor, counters included.
    """

    context: int
    floats: int
    size_bytes: int

    @property
    def bytes_per_token(self) -> float:
        """Bytes of state for each position of the context."""
        return self.size_bytes / self.context


def parameters(model: nn.Module) -> int:
    """Trained numbers; shared ones count once."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def active_parameters(model: nn.Module) -> int:
    """All numbers but those of experts that one token does not go through."""
    idle = [getattr(module, "idle_parameters", 0) for module in model.modules()]
    return sum(p.numel() for p in model.parameters()) - sum(idle)


def decodes(model: nn.Module) -> bool:
    """Whether the model runs one position at a time: it says so, or all its mixers can."""
    said = getattr(model, "decodes", None)
    if isinstance(said, bool):
        return said
    architecture = getattr(model, "architecture", None)
    if not isinstance(model, Decodes) or not isinstance(architecture, Architecture):
        return False
    mixers = [find_block(layer.mixer.block) for layer in architecture.layers if layer.mixer]
    return all(mixer.causal and mixer.decodes for mixer in mixers)


def state_size(model: nn.Module, context: int) -> StateSize:
    """Run one sequence of `context` positions and add up the tensors of the state that is left.

    Raises BadInput when a block cannot decode.
    """
    if not isinstance(model, Decodes):
        raise BadInput(f"{type(model).__name__} cannot decode", "measure a model of blocks")
    token = torch.zeros(1, dtype=torch.long, device=next(model.parameters()).device)
    with torch.no_grad():
        states = model.start(1)
        for position in range(context):
            _, states = model.step(token, states, position)
    tensors = [tensor for state in states for tensor in state.values()]
    floats = sum(t.numel() for t in tensors if t.is_floating_point() or t.is_complex())
    return StateSize(context, floats, sum(t.numel() * t.element_size() for t in tensors))


def flops_per_token(model: nn.Module, length: int, *, backward: bool = False) -> float:
    """Operations of a forward pass over one sequence of `length`, divided by its positions.

    backward: with those of the backward pass. A multiplication and an addition are two. Counted are
    matrix products and convolutions as they are computed (a causal mask saves nothing); what works
    element by element (norms, gates, scans) is not, as is usual.
    """
    tokens = torch.zeros(1, length, dtype=torch.long, device=next(model.parameters()).device)
    counter = FlopCounterMode(display=False, custom_mapping=_COUNTED)
    # Without gradients the counter's own hooks fail on a view of a weight, such as a first state.
    with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH), counter:
        logits = model(tokens)
        if backward:
            logits.sum().backward()
            model.zero_grad()
    return counter.get_total_flops() / length


def counted(model: nn.Module, length: int) -> dict[str, float]:
    """What tools/measures.py has names for; state only where it decodes a position at a time."""
    tokens = torch.zeros(1, length, dtype=torch.long, device=next(model.parameters()).device)
    found: dict[str, float] = {
        "weight_bytes": weight_bytes(model),
        "parameters": parameters(model),
        "active_parameters": active_parameters(model),
        "flops_per_token": round(flops_per_token(model, length)),
        "training_flops_per_token": round(flops_per_token(model, length, backward=True)),
        "forward_bytes": pass_bytes(model, tokens, backward=False),
        "training_bytes": pass_bytes(model, tokens, backward=True),
    }
    if decodes(model):
        state = state_size(model, length)
        found |= {"state_floats": state.floats, "state_bytes": state.size_bytes}
    return found


def _convolution_backward(
    out_gradient: Sequence[int], x: Sequence[int], weight: Sequence[int], *rest: object, **_: object
) -> int:
    """Each gradient that is asked for costs what the forward pass does, also with groups.

    PyTorch's own formula takes every convolution for a full one (torch.utils.flop_counter).
    """
    asked = rest[-1]
    assert isinstance(asked, Sequence)
    forward = 2 * math.prod(out_gradient[2:]) * out_gradient[0] * math.prod(weight)
    return forward * sum(bool(one) for one in asked[:2])


_COUNTED: dict[object, Callable[..., int]] = {
    torch.ops.aten.convolution_backward: _convolution_backward
}
