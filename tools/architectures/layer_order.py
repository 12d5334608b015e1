"""A model whose layers are another's in a new order: dropped, repeated or copied, weights kept."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.errors import BadInput
from tools.architectures.architecture import Architecture
from tools.architectures.backbone import Backbone
from tools.architectures.new_backbone import new_backbone


def reordered(architecture: Architecture, order: Sequence[int]) -> Architecture:
    """The same with layer `order[i]` of it, counted from 0, at place i.

    Raises BadInput for no layer, or one that is not there.
    """
    count = len(architecture.layers)
    if not order or not all(0 <= number < count for number in order):
        raise BadInput(
            f"layers {list(order)} of {count}", "name at least one, counted from 0 to the last"
        )
    layers = tuple(architecture.layers[number] for number in order)
    return Architecture.model_validate({**dict(architecture), "layers": layers})


def with_layers(model: Backbone, order: Sequence[int]) -> Backbone:
    """A new model with copies of these layers and of all that is not a layer.

    Raises BadInput as `reordered` does.
    """
    head, device = model.head.weight, model.embedding.weight.device
    new = new_backbone(
        reordered(model.architecture, order), model.embedding.num_embeddings, len(head)
    )
    weights = {}
    for name, tensor in model.state_dict().items():
        if not name.startswith("layers."):
            weights[name] = tensor
    for place, number in enumerate(order):
        for name, tensor in model.layers[number].state_dict().items():
            weights[f"layers.{place}.{name}"] = tensor
    new.to(device=device, dtype=head.dtype).load_state_dict(weights)
    return new.train(model.training)


def copied(model: Backbone) -> Backbone:
    """The same model anew; changing one leaves the other."""
    return with_layers(model, range(len(model.layers)))
