"""What is particular to the channel mixers: PolyNorm's powers, routing, balance."""

import pytest
import torch
from torch.nn import functional as nnf

from tools.architectures.architecture import Architecture
from tools.architectures.block import find_block
from tools.architectures.blocks.mixture_of_experts import MixtureOfExperts, plain_mixture
from tools.architectures.blocks.poly_norm import PolyNorm
from tools.architectures.counts import flops_per_token, parameters
from tools.architectures.new_backbone import new_backbone
from tools.architectures.train import Course, train
from tools.tasks.sequence import Batch

torch.set_num_threads(1)


def mixture(seed: int = 0, width: int = 16, **given) -> MixtureOfExperts:
    torch.manual_seed(seed)
    module = find_block("mixture_of_experts").make(width, given)
    assert isinstance(module, MixtureOfExperts)
    return module


def lopsided(**given) -> tuple[MixtureOfExperts, torch.Tensor]:
    """A router that prefers expert 0 for every one of these inputs."""
    module = mixture(**given)
    x = torch.randn(4, 32, 16) + 1.0
    with torch.no_grad():
        module.router.weight[0] = 0.3
    return module, x


def test_poly_norm_starts_as_the_mean_of_three_normalised_powers():
    x = torch.randn(5, 12)
    mean = sum(nnf.rms_norm(x**power, (12,), eps=1e-6) for power in (1, 2, 3)) / 3
    assert torch.allclose(PolyNorm()(x), mean, atol=1e-6)


def test_poly_norm_does_not_depend_on_the_scale_of_its_input():
    module, x = PolyNorm(), torch.randn(5, 12)
    assert torch.allclose(module(7 * x), module(x), atol=1e-5)


@pytest.mark.parametrize("active", [1, 2, 4])
def test_a_mixture_equals_the_dense_sum_and_counts_only_active_experts(active):
    module = mixture(active=active, experts=4).double()
    x = torch.randn(3, 7, 16, dtype=torch.float64)
    assert torch.allclose(module(x), plain_mixture(module, x), atol=1e-10)
    one = 3 * 16 * 16
    assert module.idle_parameters == (4 - active) * one
    assert float(module.load.sum()) == pytest.approx(1)


def test_operations_grow_with_the_active_experts_and_not_with_their_number():
    def model(**given):
        choice = {"block": "mixture_of_experts", "parameters": given}
        return new_backbone(Architecture.model_validate({"layers": [{"channel": choice}]}), 16)

    few, many, busy = model(experts=4), model(experts=16), model(experts=16, active=4)
    costs = [flops_per_token(m, 32) for m in (few, many, busy)]
    router = 2 * 64 * (16 - 4)
    assert costs[1] - costs[0] == router
    assert costs[2] - costs[1] == 2 * (2 * 3 * 64 * 64)
    assert parameters(many) > parameters(few)


@pytest.mark.parametrize("active", [1, 2])
@pytest.mark.parametrize("balance", ["loss", "none"])
def test_the_router_learns_from_the_output(active, balance):
    module = mixture(active=active, balance=balance)
    module(torch.randn(2, 9, 16)).square().sum().backward()
    assert module.router.weight.grad is not None
    assert module.router.weight.grad.abs().max() > 1e-6


def test_the_balance_loss_is_one_strength_at_equal_loads_and_grows_with_imbalance():
    even = mixture(strength=0.5)
    with torch.no_grad():
        even.router.weight.zero_()
    even(torch.randn(4, 32, 16))
    assert even.auxiliary.item() == pytest.approx(0.5)
    module, x = lopsided(strength=0.5, active=1)
    module(x)
    assert module.auxiliary.item() > 0.6


def test_descending_the_balance_loss_evens_the_load():
    module, x = lopsided(active=1, strength=1.0)
    module(x)
    before = float(module.load.max())
    optimizer = torch.optim.Adam([module.router.weight], lr=1e-2)
    for _ in range(60):
        module(x)
        optimizer.zero_grad()
        module.auxiliary.backward()
        optimizer.step()
    module(x)
    assert before > 0.6
    assert float(module.load.max()) < 0.4


def test_the_bias_evens_the_load_without_a_loss_and_does_not_weigh():
    module, x = lopsided(active=1, balance="bias", speed=0.002)
    module(x)
    before = float(module.load.max())
    weights = module.router.weight.clone()
    for _ in range(300):
        module(x)
        assert module.auxiliary.item() == 0.0
        module.auxiliary.backward()
    module(x)
    assert before > 0.6
    assert float(module.load.max()) < before / 2
    assert torch.equal(weights, module.router.weight)
    scores, chosen, given = module.route(x.flatten(0, 1))
    assert torch.equal(given, scores.gather(-1, chosen))


def test_the_bias_stays_when_nothing_is_trained():
    module, x = lopsided(balance="bias")
    with torch.no_grad():
        module(x)
    module.eval()
    module(x).sum().backward()
    assert not module.bias.any()
    assert not module.auxiliary.requires_grad


def test_a_training_moves_the_bias_and_adds_the_balance_loss():
    for balance, moves in (("bias", True), ("loss", False)):
        choice = {"block": "mixture_of_experts", "parameters": {"balance": balance}}
        layer = {"mixer": {"block": "short_convolution"}, "channel": choice}
        model = new_backbone(Architecture.model_validate({"width": 16, "layers": [layer]}), 8)
        tokens = torch.randint(8, (16, 8)).numpy()
        train(model, Batch(tokens, tokens), Course(1e-3, steps=3, batch=8), 0)
        biases = [b for name, b in model.named_buffers() if name.endswith("bias")]
        assert bool(biases[0].any()) == moves
