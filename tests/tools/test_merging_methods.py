"""Laws that every merge method obeys, and the arithmetic of each."""

import itertools
import math

import pytest
import torch

from sandbox.errors import BadInput, UnknownName
from tools.merging.method import Parents, all_methods, find_method
from tools.merging.methods.ties import largest

METHODS = sorted(all_methods())


def tensors(count: int, seed: int = 0) -> tuple[torch.Tensor, ...]:
    draw = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(6, 5, generator=draw) for _ in range(count))


def call(name: str, *models: torch.Tensor, **more: object) -> torch.Tensor:
    weights = more.pop("weights", (1.0,) * len(models))
    base = more.pop("base", None)
    parents = Parents(models, weights, base, name="w", seed=1)  # type: ignore[arg-type]
    return find_method(name)(parents, more)


def test_the_five_methods_of_the_first_version_are_found() -> None:
    assert {"linear", "slerp", "task_arithmetic", "ties", "dare_ties"} <= set(METHODS)


@pytest.mark.parametrize("name", METHODS)
def test_merging_a_model_with_itself_changes_nothing(name: str) -> None:
    (a,) = tensors(1)
    assert torch.allclose(call(name, a, a, base=a), a, atol=1e-6)


@pytest.mark.parametrize("name", [n for n in METHODS if find_method(n).normalised])
def test_a_normalised_method_gives_equal_models_back_whatever_the_base(name: str) -> None:
    a, b = tensors(2)
    assert torch.allclose(call(name, a, a, base=b), a, atol=1e-5)


@pytest.mark.parametrize("name", METHODS)
def test_a_merge_is_finite_float32_and_of_the_same_shape(name: str) -> None:
    a, b, base = tensors(3)
    for pair in ((a, b), (a, -a), (torch.zeros_like(a), b), (base, base)):
        merged = call(name, *pair, base=base)
        assert merged.isfinite().all()
        assert (merged.dtype, merged.shape) == (torch.float32, a.shape)


@pytest.mark.parametrize("name", [n for n in METHODS if find_method(n).symmetric])
def test_the_order_of_models_does_not_matter_where_a_method_says_so(name: str) -> None:
    *models, base = tensors(4)
    weights = (1.0, 0.5, 0.25)
    first = call(name, *models, base=base, weights=weights)
    for order in itertools.permutations(range(3)):
        other = call(
            name, *(models[n] for n in order), base=base, weights=tuple(weights[n] for n in order)
        )
        assert torch.allclose(first, other, atol=1e-5)


@pytest.mark.parametrize("name", METHODS)
def test_a_merge_is_the_same_each_time_and_leaves_its_inputs_alone(name: str) -> None:
    a, b, base = tensors(3)
    copies = [t.clone() for t in (a, b, base)]
    more = {"density": 0.4} if "density" in find_method(name).parameters else {}
    assert torch.equal(call(name, a, b, base=base, **more), call(name, a, b, base=base, **more))
    assert all(torch.equal(x, y) for x, y in zip((a, b, base), copies, strict=True))


@pytest.mark.parametrize("name", METHODS)
def test_every_method_cites_its_source_and_says_what_it_does(name: str) -> None:
    method = find_method(name)
    assert method.source
    assert method.summary.endswith(".")


def test_linear_divides_by_the_sum_of_weights() -> None:
    a, b = tensors(2)
    assert torch.allclose(call("linear", a, b, weights=(3.0, 1.0)), (3 * a + b) / 4)
    assert torch.allclose(call("linear", a, b, weights=(3.0, 1.0), normalize=False), 3 * a + b)
    with pytest.raises(BadInput, match="sum to zero"):
        call("linear", a, b, weights=(1.0, -1.0))


def test_slerp_walks_the_arc_from_the_first_to_the_second() -> None:
    a, b = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    assert torch.allclose(call("slerp", a, b, t=0.0), a)
    assert torch.allclose(call("slerp", a, b, t=1.0), b, atol=1e-6)
    assert torch.allclose(call("slerp", a, b, t=0.5), torch.full((2,), math.sqrt(0.5)))
    near = a + torch.tensor([0.0, 1e-4])
    assert torch.allclose(call("slerp", a, near, t=0.25), a + 0.25 * (near - a))


def test_task_arithmetic_adds_weighted_task_vectors_to_the_base() -> None:
    a, b, base = tensors(3)
    merged = call("task_arithmetic", a, b, base=base, weights=(0.5, 2.0), lambda_=0.5)
    assert torch.allclose(merged, base + 0.5 * (0.5 * (a - base) + 2 * (b - base)), atol=1e-6)


def test_ties_by_hand() -> None:
    base = torch.zeros(4)
    a, b = torch.tensor([3.0, 1.0, -2.0, 0.1]), torch.tensor([1.0, -4.0, -4.0, 0.0])
    # Signs elected: +, -, -, +. Second entry: only b agrees. Fourth: only a agrees.
    assert torch.allclose(call("ties", a, b, base=base), torch.tensor([2.0, -4.0, -3.0, 0.1]))
    half = call("ties", a, b, base=base, density=0.5)
    assert torch.allclose(half, torch.tensor([3.0, -4.0, -3.0, 0.0]))
    assert largest(torch.arange(10.0), 0.25).count_nonzero() == 2
    assert largest(torch.arange(10.0), 0.01).count_nonzero() == 1


def test_dare_keeps_about_the_asked_share_and_the_size_of_the_task_vector() -> None:
    base = torch.zeros(100, 100)
    (a,) = (torch.randn(100, 100, generator=torch.Generator().manual_seed(3)),)
    merged = call("dare_ties", a, base=base, density=0.3)
    assert 0.25 < merged.count_nonzero().item() / merged.numel() < 0.35
    assert merged.abs().sum().item() == pytest.approx(a.abs().sum().item(), rel=1e-4)
    plain = call("dare_ties", a, base=base, density=0.3, rescale=False)
    assert torch.equal(plain[plain != 0], a[plain != 0])


def test_an_unknown_method_answers_with_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="task_arithmetic"):
        find_method("ties_merging")


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("ties", {"densty": 0.5}, "unknown parameter 'densty'.*density"),
        ("ties", {"normalize": 1.0}, "normalize: 1.0 is not a bool"),
        ("slerp", {"t": True}, "t: True is not a float"),
        ("slerp", {"t": (0.1, 0.2)}, "is not a float"),
    ],
)
def test_wrong_parameters_get_one_sentence(name: str, given: dict, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        find_method(name).check(given)


def test_lambda_may_be_written_as_in_recipes() -> None:
    assert find_method("ties").check({"lambda": 0.5}) == {"lambda_": 0.5}


def test_a_method_that_needs_a_base_says_so() -> None:
    with pytest.raises(BadInput, match="needs a base"):
        find_method("ties").check_models(2, has_base=False)
    with pytest.raises(BadInput, match="2 models, not 3"):
        find_method("slerp").check_models(3, has_base=True)


def test_per_model_values_must_be_as_many_as_the_models() -> None:
    a, b, base = tensors(3)
    with pytest.raises(BadInput, match="3 values for 2 models"):
        call("ties", a, b, base=base, density=(0.1, 0.2, 0.3))
