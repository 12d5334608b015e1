"""The typed description of a continuous thought machine: what a hypothesis about one names."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

Reading: TypeAlias = Literal["synchronisation", "state"]
Pairing: TypeAlias = Literal["random", "first_last"]


class Ticks(BaseModel):
    """Sizes of a model that thinks for some internal ticks before it answers (arXiv:2505.05522).

    neurons: D. ticks: T. memory: M, pre-activations that a neuron's own model sees. hidden: units
    of that model, 0 for a linear one. pairs, action_pairs: pairs of neurons whose synchronisation
    makes the answer and the query. pairing: `random` draws both neurons of a pair; `first_last`
    pairs the first neurons among themselves for the answer, the last for the query. readout, query:
    whether the answer and the query come from the synchronisation or from the state itself.
    synapse_depth: 1 for a gated linear layer, more for a U-Net of so many widths. width: of the
    embedded input and of what attention returns. front: how tokens are embedded; `convolution`
    reads them as a square grid. spread: scale of the learned positions beside the tokens, 0 for
    none; Adam moves the positions as much more slowly. dropout: before the keys and values, and
    before the synapses.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

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

    @model_validator(mode="after")
    def _fits(self) -> Ticks:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is no multiple of heads {self.heads}")
        most = self.neurons * (self.neurons + 1) // 2
        if self.pairing == "first_last" and max(self.pairs, self.action_pairs) > most:
            raise ValueError(f"{self.neurons} neurons make {most} pairs, fewer than asked for")
        return self
