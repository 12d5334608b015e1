"""A model in memory that any merge method makes anew for every candidate of a search."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tools.merging.blend import Coefficients, parameters_alike
from tools.merging.checkpoint import group_of, groups_of
from tools.merging.method import MergeMethod, Parents, Value
from tools.tasks.answer import Speaker

if TYPE_CHECKING:
    from torch import Tensor


class MethodBlend:
    """As `Blend`, for methods whose merge is no weighted sum: every tensor is merged again."""

    def __init__(
        self,
        base: Path,
        parents: Mapping[str, Path],
        method: MergeMethod,
        parameters: Mapping[str, Value],
        seed: int,
    ) -> None:
        """Load the base and the parents (role -> folder). Raises BadInput when shapes differ."""
        self.speaker = Speaker.load(base)
        self._named = dict(self.speaker.model.named_parameters())
        self.groups = groups_of(self._named)
        self._base = {name: tensor.detach().clone() for name, tensor in self._named.items()}
        self._parents: dict[str, Mapping[str, Tensor]] = {
            role: parameters_alike(role, folder, self._named) for role, folder in parents.items()
        }
        self._method, self._parameters, self._seed = method, parameters, seed

    def set(self, coefficients: Coefficients) -> Speaker:
        """The speaker, now merged with these weights in every group."""
        import torch

        with torch.no_grad():
            for name, target in self._named.items():
                parents = Parents(
                    models=tuple(self._parents[role][name].clone() for role in coefficients),
                    weights=tuple(weights[group_of(name)] for weights in coefficients.values()),
                    base=self._base[name].clone(),
                    name=name,
                    seed=self._seed,
                )
                target.copy_(self._method(parents, self._parameters))
        return self.speaker
