"""A merge written down: mergekit's YAML, the part of it that Hanji carries out.

    models: [{model: path, parameters: {weight: 0.5}}, ...]
    merge_method: ties
    base_model: path
    dtype: bfloat16
    parameters: {density: 0.5, normalize: true}

A value is a scalar, a list (a gradient over the layers: position t * (n - 1), linear between
neighbours), or a list of `{filter, value}` (the first filter that occurs in the tensor's name; none
or `*` is the default). A model's own value goes before the recipe's.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeAlias

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    ValidationError,
)

from sandbox.errors import BadInput
from tools.merging.method import MergeMethod, Value, find_method

Scalar: TypeAlias = StrictBool | StrictInt | StrictFloat
NOT_CARRIED = {
    "slices": "list whole models under `models` instead",
    "modules": "list whole models under `models` instead",
    "tokenizer_source": "merge models that share a tokenizer; it is copied",
    "tokenizer": "merge models that share a tokenizer; it is copied",
    "chat_template": "the first model's files are copied as they are",
}


class Filtered(BaseModel):
    """A value for the tensors whose name contains `filter`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    filter: str = "*"
    value: Scalar | list[Scalar]


Setting: TypeAlias = Scalar | list[Scalar] | list[Filtered]


class RecipeModel(BaseModel):
    """One model to merge: a folder or hub id, and its own parameters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    parameters: dict[str, Setting] = Field(default_factory=dict)


class Recipe(BaseModel):
    """A checked merge. `out_dtype` wins over `dtype`; without both, types are kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: list[RecipeModel] = Field(min_length=1, max_length=64)
    merge_method: str
    base_model: str = ""
    dtype: Literal["", "float32", "float16", "bfloat16"] = ""
    out_dtype: Literal["", "float32", "float16", "bfloat16"] = ""
    parameters: dict[str, Setting] = Field(default_factory=dict)

    def method(self) -> MergeMethod:
        """The method, with parameters and number of models checked. Raises BadInput."""
        method = find_method(self.merge_method)
        method.check_models(len(self.merged()), bool(self.base_model))
        for given in (self.parameters, *(model.parameters for model in self.models)):
            for name in given:
                if name != "weight" and not self._per_model(method, name, given):
                    method.check({name: _any_scalar(given[name])})
        return method

    def merged(self) -> list[RecipeModel]:
        """The models that are merged: the base is left out when it is listed without parameters."""
        return [m for m in self.models if m.model != self.base_model or m.parameters]

    def at(
        self, method: MergeMethod, tensor: str, layer: float
    ) -> tuple[list[float], dict[str, Value]]:
        """Weights and parameters for one tensor. layer: its place, 0 first to 1 last."""
        models = self.merged()
        weights = [float(value_at(self._setting(m, "weight", 1.0), tensor, layer)) for m in models]
        found: dict[str, Value] = {}
        for name, parameter in method.parameters.items():
            written = "lambda" if name == "lambda_" else name
            own = [self._setting(m, written, parameter.default) for m in models]
            values = [value_at(setting, tensor, layer) for setting in own]
            per_model = str(parameter.annotation) == "PerModel"
            found[name] = tuple(float(v) for v in values) if per_model else values[0]
        return weights, found

    def _setting(self, model: RecipeModel, name: str, default: Setting) -> Setting:
        return model.parameters.get(name, self.parameters.get(name, default))

    @staticmethod
    def _per_model(method: MergeMethod, name: str, given: Mapping[str, Setting]) -> bool:
        parameter = method.parameters.get("lambda_" if name == "lambda" else name)
        hint = "" if parameter is None else str(parameter.annotation)
        return hint == "PerModel" and not isinstance(_any_scalar(given[name]), bool)


def read_recipe(path: Path) -> Recipe:
    """Read and check a recipe file. Raises BadInput with one sentence; loads no model."""
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BadInput(f"{path}: no such recipe", "give the path of a YAML file") from error
    except yaml.YAMLError as error:
        raise BadInput(f"{path}: is not YAML", str(error).splitlines()[0]) from error
    return parse_recipe(value, str(path))


def parse_recipe(value: object, where: str = "recipe") -> Recipe:
    """Check a recipe that is already data. Raises BadInput naming the field."""
    if not isinstance(value, dict):
        raise BadInput(f"{where}: is not a mapping", "see `models`, `merge_method` in the docs")
    for name, instead in NOT_CARRIED.items():
        if name in value:
            raise BadInput(f"{where}: {name}: not supported", instead)
    try:
        recipe = Recipe.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{where}: {field}: {first['msg']}") from error
    recipe.method()
    return recipe


def value_at(setting: Setting, tensor: str, layer: float) -> float | bool:
    """A setting's value for one tensor, `layer` in [0, 1]."""
    if not isinstance(setting, list):
        return setting
    if isinstance(setting[0], Filtered):
        for entry in setting:
            assert isinstance(entry, Filtered)
            if entry.filter == "*" or entry.filter in tensor:
                return value_at(entry.value, tensor, layer)
        raise BadInput(f"no filter fits the tensor {tensor}", "end the list with a value alone")
    return _gradient([v for v in setting if not isinstance(v, Filtered)], layer)


def _gradient(values: list[Scalar], layer: float) -> float | bool:
    place = layer * (len(values) - 1)
    low = min(int(place), len(values) - 1)
    if isinstance(values[low], bool) or low == len(values) - 1:
        return values[low]
    part = place - low
    return (1 - part) * values[low] + part * values[low + 1]


def _any_scalar(setting: Setting) -> float | bool:
    if not isinstance(setting, list):
        return setting
    if not setting:
        raise BadInput("a parameter's list is empty", "give a number, or numbers over the layers")
    first = setting[0]
    return _any_scalar(first.value) if isinstance(first, Filtered) else first
