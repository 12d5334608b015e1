"""Writing tokens one after another, with a cache; what every way of writing takes and gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from sandbox.errors import BadInput
from tools.architectures.architecture import Architecture
from tools.architectures.block import State
from tools.architectures.directions import takes_chunks

States = list[State]


@dataclass(frozen=True)
class Sampling:
    """How to write. temperature: 0 takes the likeliest token. per_pass: tokens a forward pass.

    order: of filling in, for diffusion: `confidence` fills where the chosen token is likeliest,
    `random` anywhere. Writers from left to right have no use for it.
    """

    temperature: float = 1.0
    per_pass: int = 1
    order: Literal["confidence", "random"] = "confidence"

    def __post_init__(self) -> None:
        """Refuse what has no meaning."""
        if self.temperature < 0 or self.per_pass < 1:
            raise BadInput(
                f"temperature {self.temperature}, {self.per_pass} tokens a pass",
                "temperature is 0 or more, tokens a pass 1 or more",
            )


@dataclass(frozen=True)
class Reading:
    """A prompt taken in. tokens: (B, P). states: the caches after its first `kept` tokens.

    logits: (B, V), what follows, of those that read from left to right. passes: forward passes.
    """

    tokens: Tensor
    states: States = field(default_factory=list)
    kept: int = 0
    logits: Tensor | None = None
    passes: int = 0


@dataclass(frozen=True)
class Generated:
    """tokens: (B, P + length), the prompt first. passes: forward passes of writing alone.

    states: the caches at the end, of the first `kept` tokens; empty for those that keep none.
    """

    tokens: Tensor
    passes: int
    states: States = field(default_factory=list)
    kept: int = 0


@runtime_checkable
class Stepper(Protocol):
    """A model that decodes: a Backbone, or whatever acts like one."""

    def start(self, batch: int) -> States:
        """States before the first token."""
        ...

    def step(self, token: Tensor, states: States, position: int | Tensor) -> tuple[Tensor, States]:
        """One token (B,), or a chunk (B, n) of a model that takes chunks."""
        ...


def stepper_of(model: nn.Module) -> Stepper:
    """The model as one that decodes. Raises BadInput when it cannot."""
    if not isinstance(model, Stepper):
        raise BadInput(f"{type(model).__name__} cannot decode", "use a Backbone of such blocks")
    return model


@torch.no_grad()
def read(model: nn.Module, prompt: Tensor) -> Reading:
    """Take a prompt (B, P) in: in one pass where the blocks take chunks, else token by token."""
    if not prompt.shape[1]:
        raise BadInput("an empty prompt", "begin with at least one token")
    stepper = stepper_of(model)
    states = stepper.start(len(prompt))
    length = prompt.shape[1]
    architecture = getattr(model, "architecture", None)
    blocks = isinstance(architecture, Architecture) and takes_chunks(architecture)
    if blocks or getattr(model, "chunks", False):
        places = torch.arange(length, device=prompt.device)
        logits, states = stepper.step(prompt, states, places)
        return Reading(prompt, states, length, logits[:, -1], 1)
    logits = prompt.new_empty(0)
    for position in range(length):
        logits, states = stepper.step(prompt[:, position], states, position)
    return Reading(prompt, states, length, logits, length)


@torch.no_grad()
def write(
    model: nn.Module, reading: Reading, length: int, draw: torch.Generator, temperature: float
) -> Generated:
    """`length` tokens, one a pass, each from the cache of those before."""
    stepper, logits, states = stepper_of(model), reading.logits, reading.states
    assert logits is not None
    written: list[Tensor] = []
    while len(written) < length:
        written.append(choose(logits, temperature, draw))
        if len(written) < length:
            position = reading.kept + len(written) - 1
            logits, states = stepper.step(written[-1], states, position)
    tokens = torch.cat((reading.tokens, *(token[:, None] for token in written)), 1)
    kept = reading.kept + max(0, length - 1)
    return Generated(tokens, max(0, length - 1), states, kept)


def choose(logits: Tensor, temperature: float, draw: torch.Generator) -> Tensor:
    """(..., V) -> (...): the likeliest for 0, else drawn at that temperature (Gumbel's maximum)."""
    if temperature == 0:
        return logits.argmax(-1)
    noise = torch.rand(logits.shape, generator=draw, device=draw.device).to(logits.device)
    tiny = torch.finfo(noise.dtype).tiny
    gumbel = -(-noise.clamp_min(tiny).log()).clamp_min(tiny).log()
    return (logits.float() / temperature + gumbel).argmax(-1)


def cache_bytes(states: States) -> int:
    """Bytes of every tensor that decoding remembers."""
    return sum(t.numel() * t.element_size() for state in states for t in state.values())
