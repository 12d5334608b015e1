"""A model of the transformers library as data, and all that can take part beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, TypeAlias

from pydantic import Discriminator, Field, JsonValue, Tag, field_validator

from sandbox.records import short_id
from tools.architectures.architecture import Architecture, Entry
from tools.architectures.ticks import Ticks

TOO_SLOW: Mapping[str, str] = {"mamba": "mamba2", "falcon_mamba": "mamba2", "jamba": "nemotron_h"}
"""A training step takes 13 s and more on a CPU; and what to use in place."""


class Foreign(Entry):
    """A family of transformers, built from its configuration and untrained.

    expansion: the feed-forward network's inner width over the width. settings: fields of the
    family's configuration, which override all else.
    """

    family: str = Field(min_length=1, max_length=60, description="a model_type of transformers")
    width: int = Field(default=64, ge=4, le=4096)
    depth: int = Field(default=2, ge=1, le=64)
    heads: int = Field(default=4, ge=1, le=256)
    expansion: float = Field(default=2.0, gt=0, le=32)
    tied: bool = False
    settings: dict[str, JsonValue] = Field(default_factory=dict)

    @field_validator("family")
    @classmethod
    def _fast_enough(cls, family: str) -> str:
        if family in TOO_SLOW:
            raise ValueError(
                f"{family} takes over 10 s for one training step on a CPU; use {TOO_SLOW[family]}"
            )
        return family

    @property
    def id(self) -> str:
        """Short digest of the whole specification."""
        return short_id(self.model_dump(mode="json"))

    @property
    def passes(self) -> int:
        """Layers that a token goes through."""
        return self.depth


def _kind(given: object) -> str:
    if isinstance(given, dict):
        return next((kind for field, kind in _KINDS.items() if field in given), "blocks")
    return _TAGS.get(type(given), "blocks")


_KINDS: Mapping[str, str] = {"family": "foreign", "thinker": "ticks"}
_TAGS: Mapping[type, str] = {Foreign: "foreign", Ticks: "ticks"}
Candidate: TypeAlias = Annotated[
    Annotated[Architecture, Tag("blocks")]
    | Annotated[Foreign, Tag("foreign")]
    | Annotated[Ticks, Tag("ticks")],
    Discriminator(_kind),
]
"""What can be trained: an architecture of blocks, with `family` one of transformers, with `thinker`
one that thinks in ticks."""
