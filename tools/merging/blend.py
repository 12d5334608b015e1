"""A model in memory whose weights are a base plus weighted task vectors, quickly changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.errors import BadInput
from tools.merging.checkpoint import group_of, groups_of
from tools.tasks.answer import Speaker

if TYPE_CHECKING:
    from torch import Tensor

Coefficients = Mapping[str, Mapping[str, float]]
"""Role -> parameter group -> weight of its task vector."""


class Blend:
    """The weights as one flat vector, group by group, which the model's parameters are views of."""

    def __init__(self, base: Path, parents: Mapping[str, Path]) -> None:
        """Load the base and the parents (role -> folder). Raises BadInput when shapes differ."""
        import torch

        self.speaker = Speaker.load(base)
        named = dict(self.speaker.model.named_parameters())
        self.groups = groups_of(named)
        order = [name for group in self.groups for name in named if group_of(name) == group]
        self._base = _flat(named, order)
        self._changes = {
            role: _flat(parameters_alike(role, folder, named), order) - self._base
            for role, folder in parents.items()
        }
        self._now = self._base.clone()
        self._spans: dict[str, slice] = {}
        place = 0
        for name in order:
            size = named[name].numel()
            with torch.no_grad():
                named[name].data = self._now[place : place + size].view_as(named[name])
            begun = self._spans.get(group_of(name), slice(place, place))
            place += size
            self._spans[group_of(name)] = slice(begun.start, place)

    def set(self, coefficients: Coefficients) -> Speaker:
        """The speaker, now with base + sum of coefficient * task vector in every group."""
        import torch

        with torch.no_grad():
            self._now.copy_(self._base)
            for role, weights in coefficients.items():
                for group, weight in weights.items():
                    span = self._spans[group]
                    self._now[span].add_(self._changes[role][span], alpha=weight)
        return self.speaker


def parameters_alike(role: str, folder: Path, named: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The parent's parameters, checked against the base's names and shapes."""
    found = dict(Speaker.load(folder).model.named_parameters())
    shapes = {name: tuple(tensor.shape) for name, tensor in found.items()}
    if shapes != {name: tuple(tensor.shape) for name, tensor in named.items()}:
        raise BadInput(f"{role} and the base have different shapes", "merge models of one shape")
    return found


def _flat(named: Mapping[str, Tensor], order: Sequence[str]) -> Tensor:
    import torch

    with torch.no_grad():
        return torch.cat([named[name].detach().flatten() for name in order])
