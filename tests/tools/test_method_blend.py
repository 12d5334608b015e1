"""A search over the weights of any merge method, beside the fast one of task arithmetic."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sandbox.errors import BadInput
from tests.tools.tiny_models import save
from tools.actions.search import SearchArguments
from tools.merging.blend import Blend
from tools.merging.method import find_method
from tools.merging.method_blend import MethodBlend


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    home = tmp_path_factory.mktemp("models")
    return {name: save(home / name, seed=n) for n, name in enumerate(("base", "a", "b"))}


def parameters(blend: Blend | MethodBlend) -> dict[str, torch.Tensor]:
    return {n: p.detach().clone() for n, p in blend.speaker.model.named_parameters()}


def test_task_arithmetic_as_any_method_is_the_fast_sum_of_task_vectors(
    models: dict[str, Path],
) -> None:
    parents = {"a": models["a"], "b": models["b"]}
    fast = Blend(models["base"], parents)
    any_ = MethodBlend(models["base"], parents, find_method("task_arithmetic"), {}, 0)
    assert fast.groups == any_.groups
    for at in (0.0, 0.7, 1.3):
        weights = {role: {g: at + n / 10 for n, g in enumerate(fast.groups)} for role in ("a", "b")}
        fast.set(weights)
        any_.set(weights)
        one, other = parameters(fast), parameters(any_)
        assert all(torch.allclose(one[n], other[n], atol=1e-6) for n in one)


def test_a_candidate_does_not_depend_on_those_before_it(models: dict[str, Path]) -> None:
    parents = {"a": models["a"], "b": models["b"]}
    blend = MethodBlend(models["base"], parents, find_method("ties"), {"density": 0.5}, 3)
    weights = [{role: dict.fromkeys(blend.groups, at) for role in ("a", "b")} for at in (1.0, 0.2)]
    blend.set(weights[0])
    first = parameters(blend)
    blend.set(weights[1])
    assert any(not torch.equal(p, first[n]) for n, p in parameters(blend).items())
    blend.set(weights[0])
    assert all(torch.equal(p, first[n]) for n, p in parameters(blend).items())


def test_models_of_another_shape_are_refused(models: dict[str, Path], tmp_path: Path) -> None:
    other = save(tmp_path / "wide", hidden_size=32)
    with pytest.raises(BadInput, match="different shapes"):
        MethodBlend(models["base"], {"wide": other}, find_method("ties"), {}, 0)


def test_a_search_for_another_method_stands_for_no_baseline_of_task_arithmetic() -> None:
    given = {"task": "t", "roles": ["a", "b"]}
    kinds = [
        SearchArguments.model_validate(given | more).stands_for()
        for more in ({}, {"strategy": "grid"}, {"method": "ties"}, {"parameters": {"lambda": 0.5}})
    ]
    assert kinds == ["evolution", "task-arithmetic-grid", "method-search", "method-search"]
