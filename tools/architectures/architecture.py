"""An architecture as data: typed, comparable, mutable. What a hypothesis about architectures names.

One `Architecture` is the grammar's sentence: layers of a sequence mixer and a channel mixer, norms,
positions, topology. `tools.architectures.backbone` makes a model of it.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from sandbox.errors import BadInput
from sandbox.records import short_id
from tools.architectures.block import Mixes, find_block

EMBEDDING_STD = 0.02
"""How wide embeddings start unless told, as in zoology and mad-lab."""
EXPANSION = "expansion"
"""The parameter of channel mixers that matching changes, beside the width."""


class Entry(BaseModel):
    """A part of an architecture."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Choice(Entry):
    """A block by name, with its parameters; what is left out keeps its default."""

    block: str
    parameters: dict[str, JsonValue] = Field(default_factory=dict)


class Layer(Entry):
    """One layer. convolution: kernel of a short causal convolution before the mixer, 0 for none."""

    mixer: Choice | None = None
    channel: Choice | None = None
    convolution: int = Field(default=0, ge=0, le=16)


class Architecture(Entry):
    """A whole model but for its vocabulary.

    layers: in order, the first nearest to the input. norm_place: `pre` f(norm(h)) + h, `post`
    norm(f(h) + h), `sandwich` norm(f(norm(h))) + h. position: added to the embeddings (blocks have
    positions of their own as parameters). parallel: mixer and channel read the same input, not with
    `post`. loops: how often the whole stack is passed, with shared weights. residual: `plain`,
    `scaled` (a learned gain a branch, from 1e-1; Touvron et al. 2021), or `hyper`
    (hyper-connections of `streams` streams; Zhu et al. 2025). longest: positions that `learned`
    embeddings can tell apart. embedding_std: standard deviation of the embeddings before training;
    a narrow start hides the tokens behind what the first layers add. It is left out of a dump where
    it is the usual one, so that ids are those of before it could be chosen.
    """

    width: int = Field(default=64, ge=4, le=4096)
    layers: tuple[Layer, ...] = Field(min_length=1, max_length=64)
    norm: Literal["rms", "layer"] = "rms"
    norm_place: Literal["pre", "post", "sandwich"] = "pre"
    position: Literal["none", "learned"] = "none"
    longest: int = Field(default=1024, ge=1)
    parallel: bool = False
    loops: int = Field(default=1, ge=1, le=16)
    residual: Literal["plain", "scaled", "hyper"] = "plain"
    streams: int = Field(default=2, ge=1, le=8)
    tied: bool = False
    embedding_std: float = Field(
        default=EMBEDDING_STD, gt=0, le=10, exclude_if=lambda std: bool(std == EMBEDDING_STD)
    )

    @property
    def id(self) -> str:
        """Short digest of the whole sentence."""
        return short_id(self.model_dump(mode="json"))

    @property
    def passes(self) -> int:
        """Layers that a token goes through."""
        return len(self.layers) * self.loops

    def checked(self) -> Architecture:
        """Itself with every block's defaults filled in. Raises BadInput or UnknownName."""
        for number, layer in enumerate(self.layers, 1):
            if layer.mixer is None and layer.channel is None and not layer.convolution:
                raise BadInput(f"layer {number} is empty", "give it a mixer or a channel mixer")
        if self.parallel and self.norm_place == "post":
            raise BadInput(
                "parallel branches have no sum of their own for a norm after them",
                "set norm_place to pre or sandwich, or parallel to false",
            )
        layers = tuple(
            layer.model_copy(
                update={
                    "mixer": _filled(layer.mixer, "sequence"),
                    "channel": _filled(layer.channel, "channel"),
                }
            )
            for layer in self.layers
        )
        return self.model_copy(update={"layers": layers})

    @property
    def causal(self) -> bool:
        """Whether no output depends on a later position."""
        mixers = [layer.mixer for layer in self.layers if layer.mixer is not None]
        return all(find_block(mixer.block).causal for mixer in mixers)


def _filled(choice: Choice | None, mixes: Mixes) -> Choice | None:
    if choice is None:
        return None
    found = find_block(choice.block)
    if found.mixes != mixes:
        raise BadInput(
            f"{choice.block} is a {found.mixes} mixer", f"choose a {mixes} mixer in this place"
        )
    return Choice(block=choice.block, parameters=found.check(choice.parameters))
