"""Every move of the grammar leads to an architecture that builds, the same for the same seed."""

from random import Random

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tools.architectures.small_recall import attention
from tools.architectures.architecture import Architecture
from tools.architectures.moves import MOVES, ablations, cross, is_valid, mutate
from tools.architectures.new_backbone import new_backbone

pytestmark = pytest.mark.slow

SEEDS = st.integers(0, 10_000)
PLAIN = attention(16, layers=1)
RICH = Architecture.model_validate(
    {
        "width": 24,
        "layers": [
            {"mixer": {"block": "retention"}, "convolution": 4},
            {
                "mixer": {"block": "softmax_attention", "parameters": {"qk_norm": True}},
                "channel": {"block": "glu"},
            },
        ],
        "residual": "hyper",
        "position": "learned",
        "norm_place": "sandwich",
        "loops": 2,
    }
)
quickly = settings(
    max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)


def works(architecture):
    """It is made and says something about every position."""
    torch.set_num_threads(1)
    model = new_backbone(architecture, vocabulary=8)
    logits = model(torch.zeros(1, 6, dtype=torch.long))
    return logits.shape == (1, 6, 8) and bool(logits.isfinite().all())


@quickly
@given(SEEDS, st.integers(1, 4))
def test_every_mutation_can_be_built_and_stays_causal(seed, times):
    rng, found = Random(seed), PLAIN
    for _ in range(times):
        before, found = found, mutate(found, rng)
        assert found != before
        assert found.causal
        assert is_valid(found)
    assert works(found)
    assert Architecture.model_validate_json(found.model_dump_json()) == found


@quickly
@given(SEEDS)
def test_a_cross_of_two_architectures_can_be_built_and_has_only_their_parts(seed):
    rng = Random(seed)
    other = mutate(mutate(PLAIN, rng), rng)
    for a, b in ((PLAIN, RICH), (RICH, PLAIN), (other, RICH)):
        child = cross(a, b, rng)
        assert works(child)
        assert child.width in (a.width, b.width)
        assert {layer.model_dump_json() for layer in child.layers} <= {
            layer.model_dump_json() for layer in (*a.layers, *b.layers)
        }


@settings(quickly, max_examples=8)
@given(SEEDS)
def test_every_ablation_can_be_built_and_differs(seed):
    whole = mutate(RICH, Random(seed))
    found = ablations(whole)
    assert len({part.architecture.id for part in found}) == len(found)
    assert whole.id not in {part.architecture.id for part in found}
    assert all(is_valid(part.architecture) for part in found)


def test_the_same_seed_makes_the_same_moves():
    assert mutate(RICH, Random(3)) == mutate(RICH, Random(3))
    assert cross(PLAIN, RICH, Random(3)) == cross(PLAIN, RICH, Random(3))
    assert len({mutate(RICH, Random(seed)).id for seed in range(20)}) > 10


def test_moves_leave_the_generator_of_weights_alone():
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    mutate(RICH, Random(0))
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("move", MOVES, ids=lambda move: move.__name__)
def test_every_kind_of_move_is_possible(move):
    found = [move(RICH, Random(seed)) for seed in range(40)]
    assert any(one is not None and one != RICH and is_valid(one) for one in found)


def test_ablations_name_what_is_taken_away():
    parts = {ablation.part for ablation in ablations(RICH)}
    assert parts == {
        "short convolutions",
        "channel mixers",
        "layer 1",
        "layer 2",
        "position",
        "loops",
        "residual",
        "norm place",
        "positions of retention",
        "gate of retention",
        "positions of softmax_attention",
        "qk_norm of softmax_attention",
    }
    assert {ablation.part for ablation in ablations(PLAIN)} == {
        "short convolutions",
        "positions of softmax_attention",
    }
