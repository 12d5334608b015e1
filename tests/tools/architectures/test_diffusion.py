"""Diffusion: the bounds of masked and block diffusion are what theory says they are."""

import itertools
import math

import pytest
import torch
from torch.nn import functional as nnf

from tests.tools.architectures.small_aims import SMALL, made, nothing_asked, seeded
from tools.architectures.masking import by_count, by_rate, times
from tools.architectures.objective import find_objective
from tools.architectures.objectives.masked_diffusion import mask_of
from tools.architectures.passage import passage

pytestmark = pytest.mark.slow

torch.set_num_threads(1)


def test_both_noises_hide_a_token_with_the_same_mean_weight():
    asked = torch.ones(60_000, 3, dtype=torch.bool)
    t = times(60_000, seeded(), "stratified")
    for noise in (by_rate, by_count):
        hidden = noise(asked, t, seeded(1))
        assert not (hidden.where & ~asked).any()
        for subset, chance in (([1, 0, 0], 1 / 3), ([1, 1, 0], 1 / 6), ([1, 1, 1], 1 / 3)):
            alike = (hidden.where == torch.tensor(subset, dtype=torch.bool)).all(1)
            mean = float((alike * hidden.weight[:, 0]).mean())
            assert mean == pytest.approx(chance, abs=0.03)


def test_stratified_times_put_one_in_each_stratum():
    t = times(10, seeded(), "stratified")[:, 0]
    assert sorted((t * 10).long().tolist()) == list(range(10))


def test_with_blocks_of_one_the_bound_is_the_exact_likelihood_of_an_autoregressive_model():
    aim, model = made("block_diffusion", {"size": 1})
    texts = torch.tensor(list(itertools.product(range(3), repeat=3)))
    with torch.no_grad():
        bits = torch.stack(
            [3 * aim.bits(model, t[None], nothing_asked(t[None]), seeded()) for t in texts]
        )
    assert float((2.0**-bits).sum()) == pytest.approx(1, abs=1e-9)
    one, nats, states = texts[5][None], 0.0, model.start(1)
    for place in range(3):
        at = torch.tensor([place])
        logits, _ = model.step(torch.tensor([[mask_of(model)]]), states, at)
        nats += float(nnf.cross_entropy(logits[:, 0], one[:, place]).detach())
        _, states = model.step(one[:, place : place + 1], states, at)
    assert float(bits[5]) == pytest.approx(nats / math.log(2), abs=1e-9)


def test_one_block_as_long_as_the_text_is_masked_diffusion():
    masked, whole = made("masked_diffusion")
    blocks, model = made("block_diffusion", {"size": 6})
    renamed = {k.replace("bidirectional", "block"): v for k, v in whole.state_dict().items()}
    model.load_state_dict(renamed)
    tokens = torch.randint(3, (4, 6))
    for measure in ("loss", "bits"):
        found = [
            getattr(aim, measure)(model, tokens, nothing_asked(tokens), seeded(3))
            for aim, model in ((masked, whole), (blocks, model))
        ]
        assert torch.allclose(found[0], found[1], atol=1e-10)


def test_noisy_blocks_at_once_equal_noisy_blocks_one_after_another():
    aim, model = made("block_diffusion", {"size": 3})
    tokens = torch.randint(3, (4, 8))
    t = times(12, seeded(), "stratified")
    hidden = aim._hide(torch.ones_like(tokens, dtype=torch.bool), t, "rate", seeded(1))
    noisy = tokens.masked_fill(hidden.where, mask_of(model))
    states, total = model.start(4), torch.zeros(())
    for begin in range(0, 8, 3):
        end = min(8, begin + 3)
        at = torch.arange(begin, end)
        logits, _ = model.step(noisy[:, begin:end], states, at)
        nats = nnf.cross_entropy(logits.transpose(1, 2), tokens[:, begin:end], reduction="none")
        total = total + (nats * hidden.weight[:, begin:end])[hidden.where[:, begin:end]].sum()
        _, states = model.step(tokens[:, begin:end], states, at)
    text = passage(tokens, nothing_asked(tokens))
    assert torch.allclose(aim._nats(model, text, t, "rate", seeded(1)), total / 32, atol=1e-10)


@pytest.mark.slow
def test_masked_diffusion_reaches_the_entropy_of_a_distribution_that_is_known():
    torch.manual_seed(0)
    aim = find_objective("masked_diffusion").make({"noise": "count", "samples": 16})
    model = aim.model(SMALL.model_copy(update={"position": "learned"}), 3)

    def texts(count, draw):
        first = torch.randint(3, (count, 1), generator=draw)
        coin = torch.randint(2, (count, 1), generator=draw)
        return torch.cat((first, coin, first, coin), 1)

    entropy = (math.log2(3) + 1) / 4
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 250)
    draw = seeded(1)
    for _ in range(250):
        tokens = texts(64, draw)
        loss = aim.loss(model, tokens, nothing_asked(tokens), draw)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    tokens = texts(4096, draw)
    with torch.no_grad():
        bits = float(aim.bits(model, tokens, nothing_asked(tokens), draw))
    assert entropy - 0.01 < bits < entropy + 0.04
