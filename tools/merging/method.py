"""A merge method: a decorated function from tensors to one; its type hints are its parameters.

To add one, write `tools/merging/methods/x.py`:

    @merge_method("x", source="arXiv:2306.01708", needs_base=True)
    def x(parents: Parents, density: PerModel = 1.0) -> Tensor:

Everything is computed in float32; the caller writes the result in the target's type.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import catalogue

from sandbox.errors import BadInput, UnknownName

if TYPE_CHECKING:
    from torch import Generator, Tensor

PerModel: TypeAlias = float | tuple[float, ...]
"""A number for all models, or one for each."""
Value: TypeAlias = float | bool | tuple[float, ...]
Function = TypeVar("Function", bound="Callable[..., Tensor]")
_methods = catalogue.create("hanji", "merge_methods", entry_points=True)


@dataclass(frozen=True)
class Parents:
    """One tensor in every model, float32 and of equal shape.

    weights: one for each model. base: the common ancestor, needed by task-vector methods. name and
    seed: what a method that draws at random draws from, so that each tensor has a stream of its
    own.
    """

    models: tuple[Tensor, ...]
    weights: tuple[float, ...]
    base: Tensor | None = None
    name: str = ""
    seed: int = 0

    @property
    def ancestor(self) -> Tensor:
        """The base. Raises BadInput when there is none."""
        if self.base is None:
            raise BadInput("this method needs a base model", "give base_model")
        return self.base

    def task_vectors(self) -> list[Tensor]:
        """What each model learned since the base: theta - base (Ilharco et al. 2023)."""
        return [model - self.ancestor for model in self.models]

    def each(self, value: PerModel) -> tuple[float, ...]:
        """A per-model parameter as one number a model. Raises BadInput on another count."""
        values = value if isinstance(value, tuple) else (float(value),) * len(self.models)
        if len(values) != len(self.models):
            raise BadInput(f"{len(values)} values for {len(self.models)} models", "give one each")
        return values

    def generator(self, place: int) -> Generator:
        """Random numbers for the model at `place`: the same for the same seed and tensor name."""
        import torch

        from tools.merging.train import stream

        return torch.Generator().manual_seed(stream(self.seed, self.name, str(place)))


@dataclass(frozen=True)
class MergeMethod:
    """A declared method. symmetric: the order of the models (with their weights) does not matter.

    normalised: equal models merge to themselves whatever the base. selects: a weight of one for a
    model and of zero for all others gives that model. models: how many it takes, at most.
    """

    name: str
    source: str
    summary: str
    needs_base: bool
    symmetric: bool
    normalised: bool
    most_models: int
    function: Callable[..., Tensor]
    selects: bool = False

    @property
    def parameters(self) -> dict[str, inspect.Parameter]:
        """Its own parameters, by name, with their defaults."""
        signature = inspect.signature(self.function, eval_str=False)
        return {name: p for name, p in list(signature.parameters.items())[1:]}

    def check(self, given: Mapping[str, Value]) -> dict[str, Value]:
        """The parameters, checked by the type hints; `lambda` is `lambda_`. Raises BadInput."""
        known = self.parameters
        checked: dict[str, Value] = {}
        for written, value in given.items():
            name = "lambda_" if written == "lambda" else written
            if name not in known:
                names = ", ".join(known) or "none"
                raise BadInput(f"{self.name}: unknown parameter {written!r}", f"known: {names}")
            checked[name] = self._fitting(name, value)
        return checked

    def _fitting(self, name: str, value: Value) -> Value:
        hint = _hint(self.parameters[name])
        if hint == "bool":
            fits = isinstance(value, bool)
        else:
            single = isinstance(value, int | float) and not isinstance(value, bool)
            fits = single or (hint == "PerModel" and isinstance(value, tuple))
        if not fits:
            raise BadInput(
                f"{self.name}: {name}: {value!r} is not a {hint}",
                "give true or false" if hint == "bool" else "give a number",
            )
        return value

    def check_models(self, count: int, has_base: bool) -> None:
        """Raise BadInput when it cannot merge so many models, or needs a base and has none."""
        if self.needs_base and not has_base:
            raise BadInput(
                f"{self.name} needs a base model: it merges what the models learned since",
                "name the base, or use linear or slerp",
            )
        if count > self.most_models:
            raise BadInput(f"{self.name} merges {self.most_models} models, not {count}")

    def __call__(self, parents: Parents, parameters: Mapping[str, Any]) -> Tensor:
        """The merged tensor, float32."""
        return self.function(parents, **parameters)


def _hint(parameter: inspect.Parameter) -> str:
    """`PerModel`, `bool` or `float`, whether hints are kept as text or as types."""
    hint = parameter.annotation
    if hint == PerModel:
        return "PerModel"
    return hint.__name__ if isinstance(hint, type) else str(hint)


def merge_method(
    name: str,
    *,
    source: str,
    needs_base: bool = False,
    symmetric: bool = True,
    normalised: bool = False,
    most_models: int = 64,
    selects: bool = False,
) -> Callable[[Function], Function]:
    """Declare a method. Its docstring's first line is the summary that people read."""

    def declare(function: Function) -> Function:
        summary = " ".join((inspect.getdoc(function) or "").split("\n\n")[0].split())
        method = MergeMethod(
            name, source, summary, needs_base, symmetric, normalised, most_models, function, selects
        )
        _methods.register(name, func=method)
        return function

    return declare


def all_methods() -> dict[str, MergeMethod]:
    """Every method of tools/merging/methods/ and of entry points, by name."""
    package: types.ModuleType = importlib.import_module("tools.merging.methods")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"tools.merging.methods.{module.name}")
    return dict(sorted(_methods.get_all().items()))


def find_method(name: str) -> MergeMethod:
    """The method of that name. Raises UnknownName with the known ones."""
    known = all_methods()
    if name not in known:
        raise UnknownName("merge method", name, list(known))
    return known[name]


def signatures() -> frozenset[str]:
    """Every method with what its `parameters` may hold, as in `ties(density=1.0)`."""

    def said(method: MergeMethod) -> str:
        given = method.parameters.items()
        return ", ".join(f"{key.rstrip('_')}={one.default}" for key, one in given)

    return frozenset(f"{name}({said(method)})" for name, method in all_methods().items())


def weighted_sum(tensors: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """Sum of w * t, in the order given."""
    total = tensors[0] * weights[0]
    for tensor, weight in zip(tensors[1:], weights[1:], strict=True):
        total = total.add(tensor, alpha=weight)
    return total
