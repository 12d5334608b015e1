"""Counting what an architecture costs, and bringing it to a given cost."""

import pytest
import torch

from sandbox.errors import BadInput
from tests.tools.architectures.small_recall import attention
from tools.architectures.architecture import Architecture
from tools.architectures.counts import decodes, flops_per_token, parameters, state_size
from tools.architectures.matching import Ruler, match
from tools.architectures.new_backbone import new_backbone

pytestmark = pytest.mark.slow

VOCABULARY, LENGTH = 64, 32


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def mixed(width: int = 32, **parameters) -> Architecture:
    layer = {
        "mixer": {"block": "softmax_attention", "parameters": {"heads": 2}},
        "channel": {"block": "glu", "parameters": parameters},
    }
    return Architecture.model_validate({"width": width, "layers": [layer, layer]})


def model(architecture: Architecture) -> torch.nn.Module:
    return new_backbone(architecture, VOCABULARY)


def test_shared_weights_count_once():
    untied, tied = (model(attention(16, tied=tied)) for tied in (False, True))
    assert parameters(untied) - parameters(tied) == 16 * VOCABULARY
    assert parameters(tied) == sum(t.numel() for t in set(tied.parameters()))


def test_the_state_is_what_is_left_after_the_context():
    width, context = 16, 12
    size = state_size(model(attention(width, layers=2, convolution=3)), context)
    cache, window, seen = 2 * width * context, 2 * width, 8
    assert size.floats == 2 * (cache + window)
    assert size.size_bytes == 4 * size.floats + 2 * seen
    assert size.bytes_per_token == size.size_bytes / context
    windowed = attention(width, layers=1, convolution=0)
    layer = windowed.layers[0]
    mixer = layer.mixer.model_copy(update={"parameters": {"window": 4}})
    windowed = windowed.model_copy(update={"layers": (layer.model_copy(update={"mixer": mixer}),)})
    assert state_size(model(windowed), 12).floats == 2 * width * 4


def test_only_models_that_decode_have_a_state():
    assert decodes(model(attention(16)))
    assert not decodes(torch.nn.Linear(2, 2))
    with pytest.raises(BadInput, match="cannot decode"):
        state_size(torch.nn.Linear(2, 2), 4)


def test_operations_are_those_of_the_matrices_the_scores_and_the_kernels():
    width = 16
    counted = flops_per_token(model(attention(width, layers=1, convolution=3)), LENGTH)
    projections, head, kernel = 4 * width * width, width * VOCABULARY, 3 * width
    scores = 2 * width * LENGTH
    assert counted == 2 * (projections + head + kernel + scores)


def test_a_training_step_costs_three_forward_passes():
    both = model(attention(16, layers=1, convolution=3))
    forward, training = (flops_per_token(both, LENGTH, backward=b) for b in (False, True))
    assert training == pytest.approx(3 * forward, rel=1e-6)
    assert all(p.grad is None for p in both.parameters())


@pytest.mark.parametrize("quantity", ["parameters", "flops"])
@pytest.mark.parametrize("factor", [0.6, 1.0, 1.7])
def test_an_expansion_is_found_that_meets_the_target(quantity, factor):
    ruler = Ruler(quantity, VOCABULARY, LENGTH)
    target = factor * ruler.measure(mixed())
    found = match(mixed(), ruler, target)
    assert found.architecture.width == 32
    assert abs(found.error) <= 0.05
    assert found.reached == ruler.measure(found.architecture)
    assert f"of {target:g}" in found.sentence


@pytest.mark.parametrize("quantity", ["parameters", "state", "flops"])
def test_a_width_is_found_that_meets_another_architectures_size(quantity):
    ruler = Ruler(quantity, VOCABULARY, LENGTH)
    target = ruler.measure(attention(128))
    found = match(attention(32), ruler, target)
    assert abs(found.error) <= 0.05
    assert found.architecture.layers == attention(32).layers


def test_width_and_expansion_together_reach_what_one_cannot():
    ruler = Ruler("parameters", VOCABULARY, LENGTH)
    target = 0.3 * ruler.measure(mixed())
    with pytest.raises(BadInput, match=r"no expansion brings.*nearest: parameters"):
        match(mixed(), ruler, target, "expansion")
    found = match(mixed(), ruler, target, "both")
    assert abs(found.error) <= 0.05
    assert found.architecture.width < 32


def test_an_impossible_target_is_one_sentence_that_names_the_nearest():
    ruler = Ruler("state", VOCABULARY, LENGTH)
    with pytest.raises(BadInput, match=r"no width brings.*within 5% of 500 state; nearest"):
        match(attention(32), ruler, 500)
    with pytest.raises(BadInput, match="give a positive number"):
        match(attention(32), ruler, 0)
    with pytest.raises(BadInput, match="no expansion"):
        match(attention(32), Ruler("parameters", VOCABULARY, LENGTH), 1e6, "expansion")


def test_matching_leaves_the_callers_random_numbers_alone():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    match(mixed(), Ruler("parameters", VOCABULARY, LENGTH), 20_000)
    assert torch.rand(1) == expected
