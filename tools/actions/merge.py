"""Merge models by a stated rule: nothing is searched, no label is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from sandbox.errors import BadInput
from tools.answer import Answer
from tools.bench import Bench
from tools.merging.apart import WEIGHTS, asked, said_or_left
from tools.tool import NamedCode, of_kind, tool
from tools.trial import TrialResult

if TYPE_CHECKING:
    from torch import Tensor

    from tools.tasks.answer import Speaker

Weights = Mapping[str, float]
MOST_WEIGHT = 4.0


class Swap(BaseModel):
    """Take whole layers from another model (layer swapping, arXiv:2410.01335)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: str = Field(description="model that gives the last layers", min_length=1)
    layers: int = Field(ge=0, description="how many of the last layers it gives")
    head: bool = Field(True, description="whether it gives the final norm and output head too")


class MergeArguments(BaseModel):
    """Weights of a role: in its group, else its component, else `weights`, else 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str = Field("task_arithmetic", description="merge method")
    roles: tuple[str, ...] = Field(min_length=1, max_length=8, description="models to merge")
    base: str = Field("base", description="role of their common base; empty: none")
    weights: dict[str, float] = Field({}, description="role -> weight; 1 when not given")
    components: dict[str, dict[str, float]] = Field(
        {}, description="attention, mlp or rest -> role -> weight there"
    )
    groups: dict[str, dict[str, float]] = Field(
        {}, description="parameter group such as layers.2.mlp -> role -> weight there"
    )
    parameters: dict[str, StrictBool | float] = Field({}, description="the method's own")
    swap: Swap | None = Field(None, description="take the last layers from one model instead")
    own_methods: dict[str, str] = Field(
        {}, max_length=1, description="the method where it is not built in: SHA-256 of its file"
    )

    def code(self) -> tuple[NamedCode, ...]:
        """The method that is not built in."""
        return of_kind("merge_method", self.own_methods)

    def needs(self) -> tuple[str, ...]:
        """Roles whose checkpoints the call reads."""
        if self.swap:
            return tuple(dict.fromkeys((self.roles[0], self.swap.role)))
        return (*((self.base,) if self.base else ()), *self.roles)

    def stands_for(self) -> str:
        """Equal shares of all, and nothing else, are the uniform average."""
        plain = not (self.weights or self.components or self.groups or self.parameters or self.swap)
        return "uniform-average" if self.method == "linear" and plain else ""

    def weight(self, role: str, group: str) -> float:
        """The role's weight in a parameter group."""
        from tools.merging.checkpoint import component_of

        places = (self.groups.get(group), self.components.get(component_of(group)), self.weights)
        return next((place[role] for place in places if place and role in place), 1.0)


def _answer(arguments: MergeArguments, bench: Bench) -> TrialResult:
    return TrialResult(predictions=asked(arguments.roles[0], bench))


ANSWER = Answer(_answer, (WEIGHTS,), learns=False, reads=lambda arguments: (arguments.roles[0],))


@tool("merge", place="sandbox", cpu_s=1.0, answer=ANSWER)
def merge(arguments: MergeArguments, bench: Bench) -> TrialResult:
    """Merge models by a method with given weights, or swap layers of two; ask the result."""
    from tools.tasks.answer import Speaker

    _check(arguments)
    speaker = Speaker.load(bench.models[arguments.roles[0]])
    others = {
        role: dict(Speaker.load(bench.models[role]).model.named_parameters())
        for role in arguments.needs()
        if not arguments.swap or role == arguments.swap.role
    }
    if arguments.swap:
        coefficients = _swap(
            speaker, arguments.roles[0], others[arguments.swap.role], arguments.swap
        )
    else:
        coefficients = _blend(speaker, others, arguments, bench.seed)
    return TrialResult(predictions=said_or_left(speaker, bench), coefficients=coefficients)


def _check(arguments: MergeArguments) -> None:
    """Names and ranges that the schema cannot say. Raises BadInput."""
    if arguments.swap:
        return
    from tools.merging.method import find_method

    method = find_method(arguments.method)
    method.check_models(len(arguments.roles), bool(arguments.base))
    method.check(arguments.parameters)
    places = (arguments.weights, *arguments.components.values(), *arguments.groups.values())
    for role, weight in ((role, weight) for place in places for role, weight in place.items()):
        if role not in arguments.roles:
            raise BadInput(f"merge: a weight for {role!r}, which is not merged", "add it to roles")
        if abs(weight) > MOST_WEIGHT:
            raise BadInput(f"merge: weight {weight} of {role}", "keep weights within -4 and 4")
    if unknown := set(arguments.components) - {"attention", "mlp", "rest"}:
        raise BadInput(f"merge: unknown component {unknown.pop()!r}", "known: attention, mlp, rest")


def _blend(
    speaker: Speaker,
    models: Mapping[str, Mapping[str, Tensor]],
    arguments: MergeArguments,
    seed: int,
) -> dict[str, dict[str, float]]:
    """Merge into the speaker's parameters, in place; the weights used, role -> group."""
    import torch

    from tools.merging.checkpoint import group_of, groups_of
    from tools.merging.method import Parents, find_method

    method = find_method(arguments.method)
    parameters = method.check(arguments.parameters)
    named = dict(speaker.model.named_parameters())
    groups = groups_of(named)
    if unknown := set(arguments.groups) - set(groups):
        raise BadInput(f"merge: unknown group {unknown.pop()!r}", f"known: {', '.join(groups)}")
    with torch.no_grad():
        for name, target in named.items():
            parents = Parents(
                models=tuple(_same(models[role], role, name, target) for role in arguments.roles),
                weights=tuple(arguments.weight(r, group_of(name)) for r in arguments.roles),
                base=_same(models[arguments.base], "base", name, target)
                if arguments.base
                else None,
                name=name,
                seed=seed,
            )
            target.copy_(method(parents, parameters))
    return {role: {g: arguments.weight(role, g) for g in groups} for role in arguments.roles}


def _same(model: Mapping[str, Tensor], role: str, name: str, like: Tensor) -> Tensor:
    if name not in model or model[name].shape != like.shape:
        raise BadInput(f"merge: {role} has another {name}", "merge models of one shape")
    return model[name].clone()


def _swap(
    speaker: Speaker, first: str, giver: Mapping[str, Tensor], swap: Swap
) -> dict[str, dict[str, float]]:
    """Copy the giver's last layers, in place; group -> 1 for the role whose tensors it holds.

    The group `rest` counts as given when the head is: embeddings always stay the first model's.
    """
    import torch

    from tools.merging.checkpoint import group_of, groups_of, layer_of

    named = dict(speaker.model.named_parameters())
    count = 1 + max((layer for name in named if (layer := layer_of(name)) is not None), default=-1)
    if swap.layers > count:
        raise BadInput(
            f"swap.layers: {swap.layers} is more than the {count} layers of {first}",
            f"give a number from 0 to {count}",
        )
    embedding = {id(p) for p in speaker.model.get_input_embeddings().parameters()}
    given: dict[str, float] = dict.fromkeys(groups_of(named), 0.0)
    with torch.no_grad():
        for name, target in named.items():
            layer = layer_of(name)
            inside = swap.head if layer is None else layer >= count - swap.layers
            if inside and id(target) not in embedding:
                target.copy_(_same(giver, swap.role, name, target))
                if layer is None or group_of(name) != "rest":
                    given[group_of(name)] = 1.0
    return {first: {g: 1.0 - share for g, share in given.items()}, swap.role: given}
