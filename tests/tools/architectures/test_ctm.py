from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn
from torch.nn import functional as nnf

from sandbox.errors import BadInput
from tools.architectures.certainty import asked, certainty, every_tick_loss
from tools.architectures.ctm import (
    ContinuousThought,
    Ticks,
    answer,
    plain_thought,
    tick_loss,
)
from tools.architectures.lessons import Lesson, taught
from tools.architectures.neuron_models import NeuronModels, plain_neuron_models
from tools.architectures.predict import fit
from tools.architectures.synchronisation import Synchronisation, plain_synchronisation
from tools.architectures.thinker import Thinker, asked_every_tick_loss, asked_tick_loss
from tools.architectures.train import Course, train
from tools.tasks.sequence import NOT_ASKED, Batch, find_sequence_task

pytestmark = pytest.mark.slow

torch.set_num_threads(1)
TOLERANCE = 1e-5
SMALL = Ticks(neurons=10, ticks=5, memory=3, hidden=2, pairs=12, action_pairs=7, width=8)
SPECS = {
    "plain": SMALL,
    "first_last": SMALL.model_copy(update={"pairing": "first_last"}),
    "state": SMALL.model_copy(update={"readout": "state", "query": "state"}),
    "linear_neurons": SMALL.model_copy(update={"hidden": 0, "memory": 1}),
    "u_net": SMALL.model_copy(update={"synapse_depth": 3, "neurons": 20}),
    "convolution": SMALL.model_copy(update={"front": "convolution"}),
}


def machine(spec: Ticks, answers: int = 1) -> ContinuousThought:
    torch.manual_seed(0)
    made = ContinuousThought(spec, 5, 9, 3, answers).double().eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return made


def some_tokens(count: int = 4) -> Tensor:
    return torch.randint(5, (count, 9), generator=torch.Generator().manual_seed(1))


def slopes(module: nn.Module, output: Tensor) -> dict[str, Tensor]:
    module.zero_grad()
    (
        output * torch.linspace(-1, 1, output.numel(), dtype=output.dtype).view_as(output)
    ).sum().backward()
    found = {n: p.grad for n, p in module.named_parameters() if p.numel()}
    return {n: grad.clone() for n, grad in found.items() if grad is not None}


def assert_alike(module: nn.Module, fast: Tensor, plain: Tensor) -> None:
    torch.testing.assert_close(fast, plain, atol=TOLERANCE, rtol=TOLERANCE)
    mine, theirs = slopes(module, fast), slopes(module, plain)
    assert mine.keys() == theirs.keys()
    for name, slope in mine.items():
        torch.testing.assert_close(slope, theirs[name], atol=TOLERANCE, rtol=TOLERANCE, msg=name)


@pytest.mark.parametrize("pairing", ["random", "first_last"])
def test_the_recurrence_of_synchronisation_equals_the_sums_over_the_whole_history(pairing):
    torch.manual_seed(0)
    module = Synchronisation(6, 9, pairing, "last").double()
    nn.init.normal_(module.kept)
    history = torch.randn(3, 7, 6, dtype=torch.float64)
    sums = module.start(history[:, 0])
    for state in history[:, 1:].unbind(1):
        sums = module.step(sums, state)
    assert_alike(module, module.value(sums), plain_synchronisation(module, history))


def test_with_nothing_forgotten_synchronisation_is_the_scaled_inner_product_of_two_histories():
    torch.manual_seed(0)
    module = Synchronisation(4, 5, "random", "first").double()
    nn.init.constant_(module.kept, 40.0)
    history = torch.randn(2, 9, 4, dtype=torch.float64)
    products = (history[:, :, module.left] * history[:, :, module.right]).sum(1) / 3
    torch.testing.assert_close(plain_synchronisation(module, history), products)


@pytest.mark.parametrize("hidden", [0, 3])
def test_all_neuron_models_at_once_equal_a_loop_over_neurons(hidden):
    torch.manual_seed(0)
    module = NeuronModels(7, 4, hidden).double()
    for bias in module.biases:
        nn.init.normal_(bias)
    trace = torch.randn(7, 4, 5, dtype=torch.float64)
    assert_alike(module, module(trace), plain_neuron_models(module, trace))


def test_a_neuron_model_is_private_to_its_neuron():
    torch.manual_seed(0)
    module, trace = NeuronModels(4, 3, 2), torch.randn(4, 3, 2)
    changed = trace.clone()
    changed[2] += 1
    differs = (module(trace) != module(changed)).any(1)
    assert differs.tolist() == [False, False, True, False]


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_the_machine_equals_its_plain_form_in_values_and_gradients(spec):
    model, tokens = machine(spec), some_tokens()
    logits, certainties = model(tokens)
    assert logits.shape == (4, spec.ticks, 3)
    assert certainties.shape == (4, spec.ticks)
    assert_alike(model, logits, plain_thought(model, tokens))


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_every_weight_of_the_machine_has_an_effect(spec):
    model = machine(spec)
    model.train()
    found = slopes(model, model(some_tokens())[0])
    silent = [n for n, p in model.named_parameters() if p.numel() and not found[n].any()]
    assert silent == []


def test_an_earlier_tick_does_not_depend_on_how_many_follow():
    model, tokens = machine(SMALL), some_tokens()
    longer, _ = model(tokens)
    model.spec = SMALL.model_copy(update={"ticks": 2})
    torch.testing.assert_close(model(tokens)[0], longer[:, :2])


def test_certainty_is_one_for_a_sure_answer_and_zero_for_none():
    logits = torch.tensor([[[100.0, 0, 0], [1.0, 1, 1]]])
    torch.testing.assert_close(certainty(logits), torch.tensor([[1.0, 0.0]]))


def test_the_loss_is_the_mean_over_the_best_and_the_surest_tick():
    logits = torch.tensor([[[0.0, 0.0], [3.0, 0.0], [0.0, 1.0]]])
    best, surest = math.log(1 + math.exp(-1)), math.log(1 + math.exp(3))
    found = tick_loss(logits, certainty(logits), torch.tensor([1]))
    assert float(found) == pytest.approx((best + surest) / 2)
    assert answer(logits, certainty(logits)).tolist() == [0]


def test_answering_both_ways_lowers_the_tick_loss_and_not_the_loss_of_every_tick():
    both_ways = torch.tensor([[[1.0, -1.0], [-1.0, 1.0]]]).repeat(2, 1, 1)
    targets, silent = torch.tensor([0, 1]), torch.zeros(2, 2, 2)
    surest_first = torch.tensor([[0.6, 0.5], [0.6, 0.5]])
    assert tick_loss(both_ways, surest_first, targets) < tick_loss(silent, surest_first, targets)
    assert every_tick_loss(both_ways, targets) > every_tick_loss(silent, targets)


def test_several_answers_share_the_tick_and_average_their_losses():
    model, tokens = machine(SMALL, answers=4), some_tokens()
    logits, certainties = model(tokens)
    targets = torch.randint(3, (4, 4))
    assert logits.shape == (4, 5, 4, 3)
    assert certainties.shape == (4, 5)
    assert answer(logits, certainties).shape == (4, 4)
    losses = torch.stack(
        [
            torch.stack([nnf.cross_entropy(logits[b, t], targets[b]) for t in range(5)])
            for b in range(4)
        ]
    )
    rows = torch.arange(4)
    wanted = (losses.min(1).values + losses[rows, certainties.argmax(1)]).mean() / 2
    torch.testing.assert_close(tick_loss(logits, certainties, targets), wanted)


def test_targets_asked_at_different_positions_are_refused():
    even = torch.tensor([[NOT_ASKED, 1], [NOT_ASKED, 0]])
    assert asked(even).tolist() == [1, 0]
    with pytest.raises(BadInput):
        asked(torch.tensor([[NOT_ASKED, 1], [0, NOT_ASKED]]))


def test_tokens_that_make_no_square_are_refused_by_the_convolution():
    spec = SPECS["convolution"]
    ContinuousThought(spec, 5, 10, 3)
    with pytest.raises(BadInput):
        ContinuousThought(spec, 5, 12, 3)


def test_a_spec_that_cannot_be_built_is_refused():
    with pytest.raises(ValidationError):
        Ticks(width=10, heads=4)
    with pytest.raises(ValidationError):
        Ticks(neurons=4, pairs=11, pairing="first_last")


def test_the_trainer_teaches_the_machine_whether_a_bit_is_set():
    torch.manual_seed(0)
    draw = np.random.default_rng(0)
    tokens = draw.integers(0, 2, (128, 3))
    targets = np.full_like(tokens, NOT_ASKED)
    targets[:, -1] = tokens.max(1)
    model, data = Thinker(SMALL, 2, 3, 2), Batch(tokens, targets)
    train(model, data, Course(rate=0.01, steps=60), 0, asked_tick_loss)
    assert fit(model, data).accuracy == 1.0


@pytest.mark.slow
def test_the_machine_learns_parity_of_held_out_strings():
    torch.manual_seed(0)
    task = find_sequence_task("parity")
    size = task.sizes["quick"]
    spec = Ticks(memory=8, hidden=8, heads=4, spread=0.1)
    model = Thinker(spec, size.vocabulary, size.length, size.classes)
    drawn = task.data("train", 0, size, 4000)
    tokens, rows = np.unique(drawn.tokens, axis=0, return_index=True)
    lessons = (
        Lesson(Course(rate=3e-3, steps=150, batch=256), asked_every_tick_loss),
        Lesson(Course(rate=1e-3, steps=25, batch=256), asked_tick_loss),
    )
    taught(model, Batch(tokens, drawn.targets[rows]), lessons, 0)
    assert fit(model, task.data("test", 0, size)).accuracy >= 0.95
