"""Architectures that people made: what a search over the grammar is compared with."""

from __future__ import annotations

from tools.architectures.architecture import Architecture, Choice, Layer
from tools.architectures.foreign import Candidate

_NAMES = {
    frozenset({"softmax_attention"}): "attention-conv",
    frozenset({"softmax_attention", "state_space_dual"}): "hybrid",
    frozenset({"state_space_dual"}): "ssd",
}
_RESTRICTED = ("window", "groups")
"""Parameters of attention that make it less than whole."""


def hand_made(candidate: Candidate) -> str:
    """`attention-conv`, `hybrid` or `ssd`, each behind short convolutions; empty for all others."""
    if not isinstance(candidate, Architecture) or candidate.loops > 1:
        return ""
    mixers = [layer.mixer for layer in candidate.layers if layer.mixer is not None]
    whole = len(mixers) == len(candidate.layers) and all(map(_convolved, candidate.layers))
    if not whole or any(mixer.parameters.get(name) for mixer in mixers for name in _RESTRICTED):
        return ""
    return _NAMES.get(frozenset(mixer.block for mixer in mixers), "")


def _convolved(layer: Layer) -> bool:
    """Whether a short convolution stands before the mixer or within it."""
    return layer.convolution > 1 or (layer.mixer is not None and _own(layer.mixer))


def _own(mixer: Choice) -> bool:
    return mixer.block == "state_space_dual" and mixer.parameters.get("convolution", 1) != 0
