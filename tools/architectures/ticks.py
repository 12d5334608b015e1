"""The typed description of a continuous thought machine: what a hypothesis about one names."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sandbox.records import short_id

Reading: TypeAlias = Literal["synchronisation", "state"]
Pairing: TypeAlias = Literal["random", "first_last"]
Thinking: TypeAlias = Literal["machine", "lstm", "mlp"]
STEP_S, TICK_S, FLOPS_PER_S = 3e-3, 2e-3, 1e10
"""Of a gradient step, for first estimates: its own time, a tick's, and one core's speed."""


class Ticks(BaseModel):
    """Sizes of a model that thinks for some internal ticks before it answers (arXiv:2505.05522).

    thinker: the continuous thought machine, or what it is held against: an LSTM over the same
    attention, or one hidden layer without recurrence; both have `neurons` units, and read of the
    rest what their classes name. neurons: D. ticks: T. memory: M, pre-activations that a neuron's
    own model sees. hidden: units of that model, 0 for a linear one. pairs, action_pairs: pairs of
    neurons whose synchronisation makes the answer and the query. pairing: `random` draws both
    neurons of a pair; `first_last` pairs the first neurons among themselves for the answer, the
    last for the query. readout, query: whether the answer and the query come from the
    synchronisation or from the state itself. synapse_depth: 1 for a gated linear layer, more for a
    U-Net of so many widths. width: of the embedded input and of what attention returns. front: how
    tokens are embedded; `convolution` reads them as a square grid. spread: scale of the learned
    positions beside the tokens, 0 for none; Adam moves the positions as much more slowly. dropout:
    before the keys and values, and before the synapses. early: share of the training in which every
    tick is taught alike, before the loss of `tools.architectures.certainty.tick_loss`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    thinker: Thinking = "machine"
    neurons: int = Field(default=64, ge=2, le=4096)
    ticks: int = Field(default=8, ge=1, le=200)
    memory: int = Field(default=4, ge=1, le=100)
    hidden: int = Field(default=4, ge=0, le=256)
    pairs: int = Field(default=64, ge=1, le=8192)
    action_pairs: int = Field(default=32, ge=1, le=8192)
    pairing: Pairing = "random"
    readout: Reading = "synchronisation"
    query: Reading = "synchronisation"
    synapse_depth: int = Field(default=1, ge=1, le=16)
    width: int = Field(default=32, ge=2, le=2048)
    heads: int = Field(default=2, ge=1, le=64)
    front: Literal["embedding", "convolution"] = "embedding"
    spread: float = Field(default=0.1, ge=0)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    early: float = Field(default=0.0, ge=0, lt=1)

    @property
    def id(self) -> str:
        """Short digest of the whole specification."""
        return short_id(self.model_dump(mode="json"))

    @property
    def passes(self) -> int:
        """Ticks that are thought; without recurrence there is one."""
        return 1 if self.thinker == "mlp" else self.ticks

    def step_s(self, batch: int, length: int) -> float:
        """CPU seconds of a gradient step on one core, for first estimates.

        batch: sequences. Every tick has a time of its own, and one that follows batch and neurons;
        the front's follows the tokens.
        """
        weights = self.neurons * (self.memory * self.hidden + 2 * self.neurons + self.width)
        tick_s = TICK_S + 6 * batch * weights / FLOPS_PER_S
        front_s = 6 * batch * length * self.width**2 / FLOPS_PER_S
        return STEP_S + front_s + self.passes * tick_s

    @model_validator(mode="after")
    def _fits(self) -> Ticks:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is no multiple of heads {self.heads}")
        most = self.neurons * (self.neurons + 1) // 2
        if self.pairing == "first_last" and max(self.pairs, self.action_pairs) > most:
            raise ValueError(f"{self.neurons} neurons make {most} pairs, fewer than asked for")
        return self
