"""The same architecture looking elsewhere: back only, both ways, or both ways within blocks."""

from __future__ import annotations

from pydantic import JsonValue

from sandbox.errors import BadInput
from tools.architectures.architecture import Architecture, Choice, Layer
from tools.architectures.block import find_block

BLOCKWISE = "block_attention"
ATTENTIONS = ("softmax_attention", "bidirectional_attention", BLOCKWISE)
CARRIED = ("heads", "groups", "positions", "qk_norm")


def both_ways(architecture: Architecture) -> Architecture:
    """With its attention turned bidirectional. Raises BadInput for a mixer that only looks back."""
    return _turned(architecture, "bidirectional_attention", {})


def in_blocks(architecture: Architecture, block: int) -> Architecture:
    """With its attention turned causal over blocks. Raises BadInput for any other mixer."""
    for number, layer in enumerate(architecture.layers, 1):
        if layer.convolution:
            raise BadInput(
                f"layer {number}: a short convolution mixes noisy with clean positions",
                "leave the convolution out of block diffusion",
            )
    return _turned(architecture, BLOCKWISE, {"block": block})


def looks_ahead(architecture: Architecture) -> bool:
    """Whether an output can depend on a later position. Attention in blocks of one cannot."""
    for mixer in (layer.mixer for layer in architecture.layers):
        if mixer is None or find_block(mixer.block).causal:
            continue
        given = find_block(mixer.block).check(mixer.parameters)
        if mixer.block != BLOCKWISE or given["block"] != 1:
            return True
    return False


def takes_chunks(architecture: Architecture) -> bool:
    """Whether decoding can read several positions in one step."""
    mixers = [layer.mixer for layer in architecture.layers if layer.mixer is not None]
    return all(getattr(find_block(mixer.block).maker, "chunks", False) for mixer in mixers)


def _turned(architecture: Architecture, name: str, extra: dict[str, JsonValue]) -> Architecture:
    layers = tuple(
        layer.model_copy(update={"mixer": _turned_mixer(number, layer, name, extra)})
        for number, layer in enumerate(architecture.layers, 1)
    )
    return architecture.model_copy(update={"layers": layers})


def _turned_mixer(
    number: int, layer: Layer, name: str, extra: dict[str, JsonValue]
) -> Choice | None:
    mixer = layer.mixer
    if mixer is None:
        return None
    if mixer.block not in ATTENTIONS:
        if find_block(mixer.block).causal or extra:
            raise BadInput(
                f"layer {number}: {mixer.block} cannot look where this objective needs it to",
                f"use {' or '.join(ATTENTIONS)}; without blocks also a mixer that is not causal",
            )
        return mixer
    given = mixer.parameters
    if given.get("window") or given.get("sinks") or given.get("positions") == "alibi":
        raise BadInput(
            f"layer {number}: windows, sinks and ALiBi are for looking back",
            "use plain attention with rotary positions or none",
        )
    return Choice(block=name, parameters={k: v for k, v in given.items() if k in CARRIED} | extra)
