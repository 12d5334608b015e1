"""The grammar's moves: from one architecture to its neighbours, all of them valid.

A search proposes with these, by mutation as in regularised evolution (Real et al. 2019,
arXiv:1802.01548) or by crossing; an ablation takes one part away. A generator in the same state
makes the same move. Causal architectures stay causal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeAlias, get_args, get_type_hints

import torch
from pydantic import JsonValue, ValidationError

from sandbox.errors import BadInput
from tools.architectures.architecture import EMBEDDING_STD, Architecture, Choice, Layer
from tools.architectures.block import Mixes, all_blocks, find_block
from tools.architectures.new_backbone import new_backbone

Move: TypeAlias = Callable[[Architecture, Random], "Architecture | None"]
TRIES = 200
KERNEL = 4
KERNELS = (0, 2, 3, KERNEL)
WIDE_START = 0.4
"""Standard deviation of embeddings that later layers still see behind the first ones' output."""
FACTORS = (0.5, 0.75, 1.25, 1.5, 2.0)


@dataclass(frozen=True)
class Ablation:
    """An architecture without one of its parts."""

    part: str
    architecture: Architecture


def mutate(architecture: Architecture, rng: Random) -> Architecture:
    """A valid neighbour, one move away. Raises BadInput when none was found."""
    for _ in range(TRIES):
        found = rng.choice(MOVES)(architecture, rng)
        if found is not None and found != architecture and _may_replace(architecture, found):
            return found
    raise BadInput("no move leads to a valid architecture", "check that this one is valid itself")


def cross(a: Architecture, b: Architecture, rng: Random) -> Architecture:
    """Each layer and each property from one of two valid parents; `a` where none of that fits."""
    for _ in range(TRIES):
        depth = len(rng.choice((a, b)).layers)
        layers = [
            rng.choice([p.layers[i] for p in (a, b) if i < len(p.layers)]) for i in range(depth)
        ]
        names = sorted(set(Architecture.model_fields) - {"layers"})
        found = _made(
            a, layers=layers, **{name: getattr(rng.choice((a, b)), name) for name in names}
        )
        if found is not None and _may_replace(a, found):
            return found
    return a


def drawn_anew(architecture: Architecture, most: int, rng: Random) -> Architecture:
    """Other layers, at most so many, each of parts drawn alike; all else is kept.

    Raises BadInput when nothing valid was drawn.
    """
    for _ in range(TRIES):
        layers = [_drawn_layer(rng) for _ in range(rng.randint(1, most))]
        found = _made(architecture, layers=layers)
        if found is not None and _may_replace(architecture, found):
            return found
    raise BadInput("no layers drawn at random fit this width", "start from a wider architecture")


def ablations(architecture: Architecture) -> tuple[Ablation, ...]:
    """Every valid architecture with one part less, each once."""
    found: dict[str, Ablation] = {}
    for part, body in _lesser(architecture):
        if body is not None and body != architecture and _may_replace(architecture, body):
            found.setdefault(body.id, Ablation(part, body))
    return tuple(found.values())


def is_valid(architecture: Architecture) -> bool:
    """Whether a model can be made of it; nothing is allocated."""
    try:
        with torch.device("meta"):
            new_backbone(architecture, vocabulary=4)
    except BadInput:
        return False
    return True


def _may_replace(before: Architecture, after: Architecture) -> bool:
    return (after.causal or not before.causal) and is_valid(after)


def _made(architecture: Architecture, **changes: object) -> Architecture | None:
    """With these changes, None where the grammar has no such sentence."""
    try:
        return Architecture.model_validate({**dict(architecture), **changes})
    except ValidationError:
        return None


def _drawn_layer(rng: Random) -> Layer:
    """Blocks with their defaults; half of the layers have no channel mixer."""
    channel = rng.choice(_names("channel")) if rng.random() < 0.5 else ""
    return Layer(
        mixer=Choice(block=rng.choice(_names("sequence"))),
        channel=Choice(block=channel) if channel else None,
        convolution=rng.choice(KERNELS),
    )


def _with_layer(architecture: Architecture, at: int, layer: Layer) -> Architecture | None:
    layers = (*architecture.layers[:at], layer, *architecture.layers[at + 1 :])
    return _made(architecture, layers=layers)


def _changed_layer(
    architecture: Architecture, rng: Random, **changes: object
) -> Architecture | None:
    at = rng.randrange(len(architecture.layers))
    return _with_layer(architecture, at, architecture.layers[at].model_copy(update=changes))


def _names(mixes: Mixes) -> list[str]:
    return [name for name, block in all_blocks().items() if block.mixes == mixes]


def _new_mixer(architecture: Architecture, rng: Random) -> Architecture | None:
    """Another sequence mixer with its defaults."""
    return _changed_layer(architecture, rng, mixer=Choice(block=rng.choice(_names("sequence"))))


def _new_channel(architecture: Architecture, rng: Random) -> Architecture | None:
    """Another channel mixer with its defaults, or none."""
    name = rng.choice(["", *_names("channel")])
    return _changed_layer(architecture, rng, channel=Choice(block=name) if name else None)


def _new_kernel(architecture: Architecture, rng: Random) -> Architecture | None:
    """A short convolution, another or none."""
    return _changed_layer(architecture, rng, convolution=rng.choice(KERNELS))


def _new_parameter(architecture: Architecture, rng: Random) -> Architecture | None:
    """One parameter of one block."""
    at = rng.randrange(len(architecture.layers))
    layer = architecture.layers[at]
    place = rng.choice(("mixer", "channel"))
    choice: Choice | None = getattr(layer, place)
    if choice is None:
        return None
    values = find_block(choice.block).check(choice.parameters)
    if not values:
        return None
    name = rng.choice(sorted(values))
    changed = values | {name: _other(values[name], _hint(choice.block, name), rng)}
    new = Choice(block=choice.block, parameters=changed)
    return _with_layer(architecture, at, layer.model_copy(update={place: new}))


def _other(value: JsonValue, hint: object, rng: Random) -> JsonValue:
    """A value near to this one, of the same kind."""
    if options := get_args(hint):
        chosen: JsonValue = rng.choice(options)
        return chosen
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return rng.choice((value // 2, max(0, value - 1), value + 1, max(1, 2 * value)))
    assert isinstance(value, float)
    return round(value * rng.choice(FACTORS), 4)


def _hint(block: str, name: str) -> object:
    return get_type_hints(find_block(block).maker.__init__)[name]


def _more_layers(architecture: Architecture, rng: Random) -> Architecture | None:
    """One of the layers again, somewhere."""
    layers = list(architecture.layers)
    layers.insert(rng.randrange(len(layers) + 1), rng.choice(layers))
    return _made(architecture, layers=layers)


def _fewer_layers(architecture: Architecture, rng: Random) -> Architecture | None:
    at = rng.randrange(len(architecture.layers))
    return _without_layer(architecture, at)


def _without_layer(architecture: Architecture, at: int) -> Architecture | None:
    return _made(architecture, layers=[*architecture.layers[:at], *architecture.layers[at + 1 :]])


def _new_order(architecture: Architecture, rng: Random) -> Architecture | None:
    layers = list(architecture.layers)
    rng.shuffle(layers)
    return _made(architecture, layers=layers)


def _new_width(architecture: Architecture, rng: Random) -> Architecture | None:
    return _made(architecture, width=2 * round(architecture.width * rng.choice(FACTORS) / 2))


def _new_topology(architecture: Architecture, rng: Random) -> Architecture | None:
    """Another norm, place, position, residual, or way through the layers."""
    name = rng.choice(sorted(TOPOLOGY))
    return _made(architecture, **{name: rng.choice(TOPOLOGY[name])})


TOPOLOGY: Mapping[str, Sequence[JsonValue]] = {
    "norm": ("rms", "layer"),
    "norm_place": ("pre", "post", "sandwich"),
    "position": ("none", "learned"),
    "parallel": (False, True),
    "loops": (1, 2, 3),
    "residual": ("plain", "scaled", "hyper"),
    "streams": (2, 4),
    "tied": (False, True),
    "embedding_std": (EMBEDDING_STD, WIDE_START),
}
MOVES: tuple[Move, ...] = (
    _new_mixer,
    _new_channel,
    _new_kernel,
    _new_parameter,
    _more_layers,
    _fewer_layers,
    _new_order,
    _new_width,
    _new_topology,
)
PLAIN: Mapping[str, JsonValue] = {
    "parallel": False,
    "position": "none",
    "loops": 1,
    "residual": "plain",
    "norm_place": "pre",
    "embedding_std": EMBEDDING_STD,
}
"""What an architecture has when it has nothing special there."""


def _lesser(architecture: Architecture) -> Iterator[tuple[str, Architecture | None]]:
    yield "short convolutions", _each(architecture, _unconvolved)
    yield "channel mixers", _each(architecture, lambda layer: {"channel": None})
    if len(architecture.layers) > 1:
        for at in range(len(architecture.layers)):
            yield f"layer {at + 1}", _without_layer(architecture, at)
    for name, plain in PLAIN.items():
        yield name.replace("_", " "), _made(architecture, **{name: plain})
    for block, parameter, off in _switches(architecture):
        yield f"{parameter} of {block}", _each(architecture, _switched(block, parameter, off))


def _each(
    architecture: Architecture, change: Callable[[Layer], Mapping[str, object]]
) -> Architecture | None:
    """Every layer changed alike."""
    layers = [layer.model_copy(update=dict(change(layer))) for layer in architecture.layers]
    return _made(architecture, layers=layers)


def _unconvolved(layer: Layer) -> Mapping[str, object]:
    """Without the convolution before the mixer, and without the mixer's own."""
    mixer = layer.mixer
    if mixer is not None and "convolution" in find_block(mixer.block).parameters:
        mixer = Choice(block=mixer.block, parameters={**mixer.parameters, "convolution": 0})
    return {"convolution": 0, "mixer": mixer}


def _switches(architecture: Architecture) -> Iterator[tuple[str, str, JsonValue]]:
    """(block, parameter, its value when off) of everything that is on and can be off."""
    choices = [c for layer in architecture.layers for c in (layer.mixer, layer.channel) if c]
    for choice in choices:
        for name, value in find_block(choice.block).check(choice.parameters).items():
            if value is True:
                yield choice.block, name, False
            elif "none" in get_args(_hint(choice.block, name)) and value != "none":
                yield choice.block, name, "none"


def _switched(
    block: str, parameter: str, off: JsonValue
) -> Callable[[Layer], Mapping[str, object]]:
    def change(layer: Layer) -> Mapping[str, object]:
        return {place: switched(getattr(layer, place)) for place in ("mixer", "channel")}

    def switched(choice: Choice | None) -> Choice | None:
        if choice is None or choice.block != block:
            return choice
        return Choice(block=block, parameters={**choice.parameters, parameter: off})

    return change
