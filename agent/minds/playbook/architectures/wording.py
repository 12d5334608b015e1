"""A change of an architecture in words without digits, as titles and labels have it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tools.architectures.architecture import EMBEDDING_STD, Architecture, Choice, Layer

NAMES = {
    "state_space_dual": "SSD",
    "delta_net": "DeltaNet",
    "gated_delta_net": "gated DeltaNet",
    "rwkv": "RWKV",
    "rg_lru": "RG-LRU",
    "glu": "SwiGLU",
    "mlp": "MLP",
    "poly_norm": "PolyNorm",
}
"""Blocks that are not called by their words."""
PARAMETERS = {
    "gated": "gate",
    "qk_norm": "norms of queries and keys",
    "negative": "negative eigenvalues",
    "activated": "activation",
    "normaliser": "normalisation",
    "balance": "balance loss",
}
"""Parameters that are not called by theirs."""
ARTICLES = {"mlp": "an ", "mixture_of_experts": "a "}
OTHER = None
"""The key of all values that are not named."""
_TOPOLOGY: Mapping[str, Mapping[object, str]] = {
    "norm": {"rms": "norms by the root mean square", "layer": "norms by mean and variance"},
    "norm_place": {
        "pre": "norms before its mixers alone",
        "post": "norms after its mixers",
        "sandwich": "norms before and after its mixers",
    },
    "position": {"none": "no learned positions", "learned": "learned positions"},
    "parallel": {False: "mixers in turn", True: "parallel mixers"},
    "loops": {1: "no repeated pass", OTHER: "a repeated pass"},
    "residual": {
        "plain": "plain residuals",
        "scaled": "scaled residuals",
        "hyper": "hyper-connections",
    },
    "tied": {False: "a head of its own", True: "tied embeddings"},
    "embedding_std": {
        EMBEDDING_STD: "the usual start of its embeddings",
        OTHER: "another start of its embeddings",
    },
}
_PARTS = {
    "position": "the learned positions",
    "loops": "the repeated pass",
    "residual": "the kind of residuals",
    "norm place": "the place of the norms",
    "parallel": "the parallel mixers",
    "embedding std": "the unusual start of the embeddings",
}


def part(name: str, layers: int) -> str:
    """A part as `tools.architectures.moves.ablations` calls it; empty where digits would be needed.

    layers: of the whole architecture.
    """
    if name.startswith("layer "):
        return {"1": "the first layer", str(layers): "the last layer"}.get(name[6:], "")
    parameter, of, block = name.partition(" of ")
    if of:
        found = f"the {_parameter(parameter)} of {named(block)}"
    else:
        found = _PARTS.get(name, f"the {name}")
    return "" if re.search(r"\d", found) else found


def change(before: Architecture, after: Architecture) -> str:
    """The first difference, as in `learned positions`; empty where it is only one of size."""
    return next((words for words in _changes(before, after) if not re.search(r"\d", words)), "")


def _changes(before: Architecture, after: Architecture) -> Iterator[str]:
    gained = len(after.layers) - len(before.layers)
    if gained:
        yield "a further layer" if gained > 0 else "a layer less"
    elif sorted(map(repr, before.layers)) == sorted(map(repr, after.layers)):
        if before.layers != after.layers:
            yield "its layers in another order"
    else:
        for place, (old, new) in enumerate(zip(before.layers, after.layers, strict=True)):
            where = _where(place, len(after.layers))
            yield from (f"{words}{where}" for words in _of_layer(old, new))
    for name, words in _TOPOLOGY.items():
        if getattr(before, name) != getattr(after, name):
            yield words.get(getattr(after, name), words.get(OTHER, ""))


def _of_layer(old: Layer, new: Layer) -> Iterator[str]:
    if old.convolution != new.convolution:
        kind = "a" if not old.convolution else "another"
        yield f"{kind} short convolution" if new.convolution else "no short convolution"
    for mine, other in ((old.mixer, new.mixer), (old.channel, new.channel)):
        yield from _of_choice(mine, other)


def _of_choice(old: Choice | None, new: Choice | None) -> Iterator[str]:
    if old is None and new is not None:
        yield ARTICLES.get(new.block, "") + named(new.block)
    elif old is not None and new is None:
        yield f"no {named(old.block)}"
    elif old is not None and new is not None and old.block != new.block:
        yield f"{named(new.block)} in place of {named(old.block)}"
    elif old is not None and new is not None:
        for name in sorted(old.parameters.keys() | new.parameters.keys()):
            if old.parameters.get(name) != new.parameters.get(name):
                yield f"another choice of {_parameter(name)} in {named(new.block)}"


def _where(place: int, layers: int) -> str:
    if layers == 1:
        return ""
    ends = {0: " in its first layer", layers - 1: " in its last layer"}
    return ends.get(place, " in a middle layer")


def named(block: str) -> str:
    """A block as sentences call it."""
    return NAMES.get(block, _plain(block))


def _parameter(name: str) -> str:
    return PARAMETERS.get(name, _plain(name))


def _plain(name: str) -> str:
    return name.replace("_", " ")
