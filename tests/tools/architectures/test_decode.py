"""Decoding: the cache changes nothing, drawing is fair, passes are counted."""

import pytest
import torch

from sandbox.errors import BadInput
from tools.architectures import decode
from tools.architectures.architecture import Architecture, Choice, Layer
from tools.architectures.backbone import Backbone
from tools.architectures.block import all_blocks, find_block
from tools.architectures.decode import Sampling, cache_bytes, choose
from tools.architectures.objective import find_objective
from tools.architectures.objectives.multi_token import speculate
from tools.architectures.unmasking import fill

torch.set_num_threads(1)


def layers(mixer, count=2, **parameters):
    made = Layer(mixer=Choice(block=mixer, parameters=parameters), channel=Choice(block="glu"))
    return (made,) * count


ARCHITECTURES = {
    "attention": Architecture(width=16, layers=layers("softmax_attention")),
    "chunks": Architecture(width=16, layers=layers("block_attention")),
    "streams": Architecture(width=16, layers=layers("block_attention"), residual="hyper"),
    "loops": Architecture(
        width=16, layers=layers("block_attention", 1), loops=2, position="learned"
    ),
    "convolution": Architecture(
        width=16,
        layers=(layers("softmax_attention")[0].model_copy(update={"convolution": 3}),),
    ),
    **{
        f"{name} behind a convolution": Architecture(
            width=16,
            layers=(layers(name)[0].model_copy(update={"convolution": 3}),) * 2,
        )
        for name, block in all_blocks().items()
        if block.mixes == "sequence" and block.causal and block.decodes
    },
}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_cached_logits_equal_uncached_ones_and_greedy_text_is_the_same(name):
    torch.manual_seed(0)
    model = Backbone(ARCHITECTURES[name], 7).double()
    prompt = torch.randint(7, (3, 5))
    reading = decode.read(model, prompt)
    with torch.no_grad():
        assert torch.allclose(reading.logits, model(prompt)[:, -1], atol=1e-10)
        made = decode.write(model, reading, 6, seeded(), 0.0)
        text = prompt
        for _ in range(6):
            text = torch.cat((text, model(text)[:, -1:].argmax(-1)), 1)
    assert made.tokens.equal(text)
    assert made.passes == 5
    assert reading.passes == 1


def test_a_prompt_is_read_token_by_token_where_a_block_takes_no_chunks(monkeypatch):
    monkeypatch.setattr(find_block("rg_lru").maker, "chunks", False)
    torch.manual_seed(0)
    model = Backbone(Architecture(width=16, layers=layers("rg_lru")), 7).double()
    prompt = torch.randint(7, (3, 5))
    reading = decode.read(model, prompt)
    with torch.no_grad():
        assert torch.allclose(reading.logits, model(prompt)[:, -1], atol=1e-10)
    assert reading.passes == 5


def test_an_empty_prompt_and_a_model_without_steps_are_refused():
    model = Backbone(ARCHITECTURES["attention"], 7)
    with pytest.raises(BadInput, match="empty"):
        decode.read(model, torch.zeros(1, 0, dtype=torch.long))
    with pytest.raises(BadInput, match="Linear"):
        decode.read(torch.nn.Linear(2, 2), torch.zeros(1, 1, dtype=torch.long))
    with pytest.raises(BadInput, match="1 or more"):
        Sampling(per_pass=0)


def test_drawing_follows_the_distribution_at_its_temperature():
    logits = torch.tensor([0.0, 1.0, 2.0])
    for temperature in (0.5, 1.0, 2.0):
        drawn = choose(logits.expand(40_000, 3), temperature, seeded())
        shares = drawn.bincount(minlength=3) / 40_000
        assert torch.allclose(shares, (logits / temperature).softmax(-1), atol=0.01)
    assert choose(logits, 0.0, seeded()) == 2


def test_a_single_head_has_nothing_to_speculate_with_and_writes_one_token_a_pass():
    aim = find_objective("multi_token").make({"heads": 1})
    torch.manual_seed(0)
    model = aim.model(Architecture(width=16, layers=layers("softmax_attention")), 5)
    prompt = torch.randint(5, (2, 4))
    draw = torch.Generator()
    texts = [
        aim.write(model, aim.read(model, prompt), 6, draw, Sampling(0.0, per_pass)).tokens
        for per_pass in (1, 3)
    ]
    assert torch.equal(*texts)


def test_speculation_writes_the_greedy_text_in_fewer_passes():
    torch.manual_seed(0)
    aim = find_objective("multi_token").make({"heads": 3})
    model = aim.model(Architecture(width=16, layers=layers("softmax_attention", 1)), 5)
    count = (torch.arange(9) + torch.arange(5)[:, None]) % 5
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(80):
        loss = aim.loss(model, count[:, :-1], count[:, 1:], seeded())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for prompt in (count[:, :4], torch.randint(5, (3, 4), generator=seeded(1))):
        plain = aim.write(model, aim.read(model, prompt), 10, seeded(), Sampling(0.0))
        quick = aim.write(model, aim.read(model, prompt), 10, seeded(), Sampling(0.0, 3))
        assert quick.tokens.equal(plain.tokens)
        assert quick.passes <= 10
    assert speculate(model, count[:, :4], 12, 3).passes <= 5


@pytest.mark.parametrize("order", ["confidence", "random"])
@pytest.mark.parametrize("per_pass", [1, 3, 8])
def test_filling_in_takes_the_passes_it_should_and_leaves_no_mask(order, per_pass):
    tokens = torch.full((2, 9), 5)
    tokens[:, :2] = 1
    how = Sampling(1.0, per_pass, order)
    filled, passes = fill(tokens, 5, lambda x: torch.zeros(*x.shape, 5), seeded(), how)
    assert passes == -(-7 // per_pass)
    assert not (filled == 5).any() and (filled[:, :2] == 1).all()


def test_confidence_fills_the_surest_place_first():
    logits = torch.zeros(1, 4, 3)
    logits[0, 2, 1] = 9.0
    seen = []

    def predict(tokens):
        seen.append(tokens.clone())
        return logits

    fill(torch.full((1, 4), 3), 3, predict, seeded(), Sampling(0.0))
    assert seen[1][0].tolist() == [3, 3, 1, 3]


@pytest.mark.parametrize("prompt_length", [2, 4, 7])
def test_block_sampling_with_its_cache_equals_block_sampling_over_everything(prompt_length):
    torch.manual_seed(0)
    aim = find_objective("block_diffusion").make({"size": 4})
    model = aim.model(Architecture(width=16, layers=layers("softmax_attention")), 5).double()
    prompt = torch.randint(5, (2, prompt_length))
    reading = aim.read(model, prompt)
    made = aim.write(model, reading, 7, seeded(), Sampling(0.0))
    text, mask = prompt, 5
    with torch.no_grad():
        while text.shape[1] < prompt_length + 7:
            begin = text.shape[1] // 4 * 4
            end = min(begin + 4, prompt_length + 7)
            noisy = torch.nn.functional.pad(text, (0, end - text.shape[1]), value=mask)
            text, _ = fill(noisy, mask, model, seeded(), Sampling(0.0))
    assert made.tokens.equal(text)
    finished = -(-(prompt_length + 7) // 4) - prompt_length // 4 - 1
    assert made.passes == 7 + finished
    assert made.kept == (prompt_length + 6) // 4 * 4


def test_cache_bytes_are_those_of_the_tensors():
    model = Backbone(Architecture(width=16, layers=layers("block_attention", groups=2)), 7)
    states = decode.read(model, torch.zeros(3, 5, dtype=torch.long)).states
    keys_and_values = 2 * 3 * 2 * 5 * 4 * 4
    assert cache_bytes(states) == 2 * (keys_and_values + 8)
