"""Objectives: each obeys the laws and teaches what it says."""

import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as nnf

from sandbox.errors import BadInput, UnknownName
from tests.tools.architectures.small_aims import ATTENTION, SMALL, made, nothing_asked, seeded
from tools.architectures import directions
from tools.architectures.architecture import Architecture, Choice, Layer
from tools.architectures.block import find_block
from tools.architectures.directions import both_ways, in_blocks, looks_ahead
from tools.architectures.laws import broken_laws
from tools.architectures.objective import all_objectives, find_objective
from tools.architectures.objective_laws import broken_objective_laws
from tools.architectures.objectives.distillation import Distillation
from tools.architectures.objectives.latent_prediction import LatentPrediction, rollout_accuracy
from tools.architectures.objectives.next_token import NextToken
from tools.architectures.passage import passage
from tools.tasks.sequence import NOT_ASKED, find_sequence_task

pytestmark = pytest.mark.slow

torch.set_num_threads(1)


@pytest.mark.parametrize("name", sorted(all_objectives()))
def test_every_objective_obeys_the_laws(name):
    assert broken_objective_laws(find_objective(name)) == []


def test_the_laws_catch_an_objective_that_leaves_a_weight_as_it_is():
    class Idle(NextToken):
        def model(self, architecture, vocabulary, outputs=0):
            model = super().model(architecture, vocabulary, outputs)
            model.unused = torch.nn.Parameter(torch.ones(3))
            return model

        def loss(self, model, tokens, targets, draw):
            return super().loss(model, tokens, targets, draw) + 0 * model.unused.sum()

    idle = replace(find_objective("next_token"), maker=Idle)
    assert broken_objective_laws(idle) == ["gradient: unused never changes the loss"]


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("masked_diffusion", {"times": "uniform", "noise": "count"}),
        ("block_diffusion", {"size": 3, "least": 0.3, "most": 0.8}),
        ("block_diffusion", {"size": 1, "noise": "count"}),
        ("distillation", {"several": "average", "soft": 1.0}),
        ("latent_prediction", {"cells": 1, "steps": 2}),
        ("next_token", {"on": "next"}),
    ],
)
def test_objectives_obey_the_laws_with_other_parameters(name, given):
    assert broken_objective_laws(find_objective(name), given) == []


def test_an_unknown_objective_or_parameter_is_named():
    with pytest.raises(UnknownName, match="masked_diffusion"):
        find_objective("telepathy")
    with pytest.raises(BadInput, match="known: on"):
        find_objective("next_token").make({"size": 3})
    with pytest.raises(BadInput, match="size"):
        find_objective("block_diffusion").make({"size": True})
    with pytest.raises(BadInput, match="times"):
        find_objective("masked_diffusion").make({"times": "never"})


@pytest.mark.parametrize("given", [{"groups": 2}, {"positions": "none"}, {"qk_norm": True}])
@pytest.mark.parametrize("name", ["bidirectional_attention", "block_attention"])
def test_the_attentions_that_look_ahead_equal_their_references(name, given):
    assert broken_laws(find_block(name), given) == []


def test_block_attention_of_any_size_equals_its_reference_and_reads_block_by_block():
    block = find_block("block_attention")
    module = block.make(16, {"block": 4}).double()
    x = torch.randn(2, 11, 16, dtype=torch.float64)
    whole = module(x)
    assert torch.allclose(whole, block.reference(module, x), atol=1e-10)
    state, rows = module.start(2), []
    for begin in range(0, 11, 4):
        y, state = module.step(x[:, begin : begin + 4], state)
        rows.append(y)
    assert torch.allclose(torch.cat(rows, 1), whole, atol=1e-10)


def test_blocks_of_one_are_causal_attention_and_one_block_is_bidirectional_attention():
    x = torch.randn(2, 9, 16, dtype=torch.float64)
    causal = find_block("softmax_attention").make(16, {}).double()
    both = find_block("bidirectional_attention").make(16, {}).double()
    both.attention.load_state_dict(causal.state_dict())
    for size, other in ((1, causal), (9, both)):
        blocks = find_block("block_attention").make(16, {"block": size}).double()
        blocks.attention.load_state_dict(causal.state_dict())
        assert torch.allclose(blocks(x), other(x), atol=1e-10)


def test_architectures_that_cannot_look_ahead_are_refused_with_a_reason():
    scan = Layer(mixer=Choice(block="linear_attention"))
    windowed = Layer(mixer=Choice(block="softmax_attention", parameters={"window": 4}))
    with pytest.raises(BadInput, match="linear_attention"):
        both_ways(Architecture(layers=(scan,)))
    with pytest.raises(BadInput, match="windows"):
        both_ways(Architecture(layers=(windowed,)))
    with pytest.raises(BadInput, match="convolution"):
        in_blocks(Architecture(layers=(ATTENTION.model_copy(update={"convolution": 3}),)), 4)


def test_only_attention_in_blocks_of_one_sees_nothing_ahead_though_it_is_not_causal(monkeypatch):
    blocks = [
        Architecture(
            layers=(Layer(mixer=Choice(block="block_attention", parameters={"block": n})),)
        )
        for n in (1, 2)
    ]
    assert [looks_ahead(one) for one in blocks] == [False, True]
    lookalike = replace(find_block("block_attention"), name="lookalike")
    monkeypatch.setattr(directions, "find_block", lambda name: lookalike)
    assert looks_ahead(Architecture(layers=(Layer(mixer=Choice(block="lookalike")),)))


def test_text_is_read_from_next_tokens_and_labels_are_refused():
    text = torch.randint(5, (2, 7))
    found = passage(text[:, :-1], text[:, 1:])
    assert found.tokens.equal(text)
    assert not found.asked[:, 0].any() and found.asked[:, 1:].all()
    assert passage(text, nothing_asked(text)).asked.all()
    with pytest.raises(BadInput, match="fill in"):
        passage(text, (text + 1) % 5)


def test_a_model_that_sees_its_next_tokens_is_refused():
    architecture = both_ways(SMALL)
    text = torch.randint(3, (2, 7))
    for name in ("next_token", "multi_token"):
        aim, model = made(name, architecture=architecture)
        with pytest.raises(BadInput, match="later tokens"):
            aim.loss(model, text[:, :-1], text[:, 1:], seeded())


def test_only_asked_positions_teach():
    aim, model = made("next_token")
    tokens = torch.randint(3, (4, 6))
    targets = nothing_asked(tokens)
    targets[:, 2] = 1
    wanted = nnf.cross_entropy(model(tokens)[:, 2], targets[:, 2])
    assert torch.allclose(aim.loss(model, tokens, targets, seeded()), wanted)


def test_a_student_without_teachers_says_so():
    aim, model = made("distillation")
    text = torch.randint(3, (2, 7))
    with pytest.raises(BadInput, match="taught_by"):
        aim.loss(model, text[:, :-1], text[:, 1:], seeded())


class Says(torch.nn.Module):
    """A teacher that always says the same."""

    def __init__(self, word):
        super().__init__()
        self.logits = torch.zeros(3, dtype=torch.float64)
        self.logits[word] = 6.0

    def forward(self, tokens):
        return self.logits.expand(*tokens.shape, 3)


def test_each_item_is_taught_by_its_domains_teacher():
    teachers = [Says(0), Says(1)]
    tokens = torch.tensor([[0, 2, 2], [1, 2, 2], [1, 2, 2]])
    told = Distillation(1.0, 1.0).taught_by(teachers, lambda items: items[:, 0])
    assert told._taught(tokens, tokens).argmax(-1)[:, 0].tolist() == [0, 1, 1]
    answers = torch.tensor([[1], [0], [1]]).expand(3, 3)
    guessed = Distillation(1.0, 1.0).taught_by(teachers)
    assert guessed._taught(tokens, answers).argmax(-1)[:, 0].tolist() == [1, 0, 1]
    mixed = Distillation(1.0, 1.0, "average").taught_by(teachers)._taught(tokens, answers).exp()
    assert torch.allclose(mixed[..., 0], mixed[..., 1]) and torch.allclose(
        mixed.sum(-1), torch.ones(3, 3, dtype=torch.float64)
    )
    with pytest.raises(BadInput, match="domain 2"):
        told.domain_of = lambda items: items[:, 0] + 1
        told._taught(tokens, tokens)


def test_a_student_that_already_agrees_has_nothing_to_learn():
    aim = Distillation(2.0, 1.0).taught_by([Says(1)])
    tokens = torch.randint(3, (2, 5))
    targets = torch.randint(3, (2, 5))
    assert float(aim.loss(Says(1), tokens, targets, seeded())) == pytest.approx(0, abs=1e-12)
    assert float(aim.loss(Says(0), tokens, targets, seeded())) > 1


def test_states_that_are_not_whole_are_refused():
    aim, model = made("latent_prediction", {"cells": 2})
    tokens = torch.randint(3, (2, 6))
    with pytest.raises(BadInput, match="whole next state"):
        aim.loss(model, tokens, nothing_asked(tokens), seeded())
    with pytest.raises(BadInput, match="next value"):
        aim.loss(model, tokens, tokens + 1, seeded())


def test_a_world_with_questions_is_answered_where_it_is_asked():
    life = find_sequence_task("life")
    size = life.sizes["quick"]
    batch = life.data("train", 0, size, 64)
    tokens, targets = torch.from_numpy(batch.tokens), torch.from_numpy(batch.targets)
    torch.manual_seed(0)
    aim = LatentPrediction(questions=True)
    model = aim.model(SMALL, size.vocabulary, size.classes)
    logits = model(tokens)
    asked = targets != NOT_ASKED
    assert logits.shape == (*tokens.shape, 2)
    wanted = nnf.cross_entropy(logits[asked], targets[asked]) / math.log(2)
    assert torch.allclose(aim.bits(model, tokens, targets, seeded()), wanted)
    aim.loss(model, tokens, targets, seeded()).backward()
    with pytest.raises(BadInput, match="questions"):
        LatentPrediction(questions=True, steps=2)


@pytest.mark.slow
def test_a_world_model_learns_a_ring_that_turns_and_rolls_it_out():
    torch.manual_seed(0)
    aim = LatentPrediction(cells=6, steps=2)
    width = Architecture(width=16, layers=(ATTENTION,), position="learned", longest=6)
    model = aim.model(width, 3)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    draw = seeded(2)

    def turning(count, states):
        first = torch.randint(3, (count, 6), generator=draw)
        return torch.stack([first.roll(k, 1) for k in range(states)], 1)

    for _ in range(150):
        found = turning(32, 4)
        loss = aim.loss(model, found[:, :-1].flatten(1), found[:, 1:].flatten(1), draw)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    accuracy = rollout_accuracy(model, turning(256, 11))
    assert len(accuracy) == 10
    assert accuracy[0] > 0.98
    assert accuracy[0] >= accuracy[9] > 0.5
