"""Quantised and pruned variants: what is kept, what it weighs, how much worse it is."""

import pytest
import torch
from torch import nn

from sandbox.errors import BadInput
from tests.tools.architectures.small_recall import TASK, TINY, attention
from tools.architectures.architecture import Architecture
from tools.architectures.backbone import Backbone
from tools.architectures.block import all_blocks
from tools.architectures.new_backbone import new_backbone
from tools.architectures.packing import weight_bytes
from tools.architectures.pruning import Sparse, influence, pruned, shallower
from tools.architectures.quantisation import Int8, quantised
from tools.architectures.train import Course, train
from tools.architectures.variant import effect

pytestmark = pytest.mark.slow

torch.set_num_threads(1)
TOKENS = torch.randint(16, (4, 8), generator=torch.Generator().manual_seed(0))
CAUSAL = sorted(name for name, block in all_blocks().items() if block.causal and block.decodes)


@pytest.fixture(scope="module")
def trained() -> Backbone:
    """Attention that has learned to recall a little."""
    model = new_backbone(attention(32, tied=True), 16)
    return train(model, TASK.data("train", 0, TINY), Course(1e-2, steps=150, batch=64), 0).model  # type: ignore[return-value]


def of_block(name: str, **more) -> Backbone:
    layer = {"channel" if all_blocks()[name].mixes == "channel" else "mixer": {"block": name}}
    return new_backbone(Architecture.model_validate({"width": 16, "layers": [layer], **more}), 16)


def steps(model: Backbone) -> torch.Tensor:
    states, rows = model.start(4), []
    with torch.no_grad():
        for position in range(8):
            row, states = model.step(TOKENS[:, position], states, position)
            rows.append(row)
    return torch.stack(rows, 1)


def test_int8_is_off_by_at_most_half_a_scale_and_keeps_the_largest():
    weight = torch.randn(5, 40)
    kept, scale = Int8().right_inverse(weight)
    assert kept.dtype == torch.int8
    back = Int8()(kept, scale)
    assert ((back - weight).abs() <= scale / 2 + 1e-7).all()
    largest = weight.abs().argmax(-1, keepdim=True)
    assert torch.allclose(back.gather(1, largest), weight.gather(1, largest))
    assert not Int8()(*Int8().right_inverse(torch.zeros(2, 8))).any()


@pytest.mark.parametrize("tied", [False, True])
def test_quantised_bytes_are_those_of_the_int8_tensors_and_the_scales(tied):
    model = new_backbone(attention(16, layers=1, convolution=0, tied=tied), 24)
    small = quantised(model)
    rows, others = 0, 0
    for weight in model.parameters():
        if weight.dim() == 2:
            rows += len(weight)
        else:
            others += weight.numel()
    whole = sum(p.numel() for p in model.parameters() if p.dim() == 2)
    assert weight_bytes(small) == whole + 4 * rows + 4 * others
    assert weight_bytes(model) == 4 * (whole + others)
    assert {p.dtype for p in small.parameters()} == {torch.int8, torch.float32}


@pytest.mark.parametrize("name", CAUSAL)
def test_every_block_runs_quantised_and_pruned_with_its_cache(name):
    model = of_block(name).eval()
    for variant in (quantised(model), pruned(model, 0.5).eval()):
        assert weight_bytes(variant) < weight_bytes(model)
        with torch.no_grad():
            assert torch.allclose(steps(variant), variant(TOKENS), atol=1e-5)
            assert not torch.equal(variant(TOKENS), model(TOKENS))


def test_quantising_a_trained_model_costs_little(trained):
    found = effect(trained, quantised(trained), TASK.data("test", 0, TINY))
    assert found.before.accuracy > 0.25
    assert abs(found.accuracy_lost) < 0.03
    assert abs(found.nats_lost) < 0.05
    assert 0.5 < found.saved < 0.75


def test_a_model_pruned_of_nothing_says_the_same(trained):
    same = pruned(trained, 0.0)
    with torch.no_grad():
        assert torch.equal(same(TOKENS), trained(TOKENS))


@pytest.mark.parametrize("scope", ["matrix", "model"])
def test_pruning_leaves_out_the_smallest_weights(trained, scope):
    small = pruned(trained, 0.7, scope)
    kept = whole = 0
    for module, before in zip(small.modules(), trained.modules(), strict=False):
        assert not isinstance(module, nn.Embedding) or torch.equal(module.weight, before.weight)
    for name, module in small.named_modules():
        if isinstance(module, Sparse):
            path, _, which = name.partition(".parametrizations.")
            weight = getattr(trained.get_submodule(path), which.split(".")[0])
            left = module.mask()
            kept, whole = kept + int(left.sum()), whole + weight.numel()
            if scope == "matrix":
                assert weight[left].abs().min() >= weight[~left].abs().max()
                assert int(left.sum()) == weight.numel() - round(0.7 * weight.numel())
    assert kept == pytest.approx(0.3 * whole, abs=8)


def test_pruned_bytes_are_those_of_the_weights_that_are_left_and_a_bit_for_each(trained):
    small = pruned(trained, 0.75)
    packed = [p for p in trained.parameters() if p.dim() == 2 and p is not trained.head.weight]
    packed = [p for p in packed if p.shape[-1] >= 8]
    saved = sum(3 * p.numel() - p.numel() // 8 for p in packed)
    assert weight_bytes(trained) - weight_bytes(small) == saved


def test_more_pruning_costs_more(trained):
    items = TASK.data("test", 0, TINY)
    lost = [effect(trained, pruned(trained, share), items).nats_lost for share in (0.2, 0.6, 0.95)]
    assert abs(lost[0]) < 0.1
    assert lost[0] < lost[1] < lost[2]


def test_a_pruned_model_trains_on_and_stays_as_sparse(trained):
    small = pruned(trained, 0.8)
    before = effect(trained, small, TASK.data("test", 0, TINY))
    masks = [m.mask() for m in small.modules() if isinstance(m, Sparse)]
    train(small, TASK.data("train", 0, TINY), Course(3e-3, steps=40, batch=64), 1)
    after = effect(trained, small, TASK.data("test", 0, TINY))
    assert after.nats_lost < before.nats_lost
    assert after.bytes_after == before.bytes_after
    again = [m.mask() for m in small.modules() if isinstance(m, Sparse)]
    assert all(torch.equal(a, b) for a, b in zip(masks, again, strict=True))


@pytest.mark.parametrize("more", [{}, {"residual": "hyper"}, {"loops": 2}])
def test_layers_that_do_nothing_are_the_first_to_go(more):
    model = new_backbone(attention(16, layers=3, convolution=0, **more), 16)
    with torch.no_grad():
        model.layers[1].mixer.inner.block.out.weight.zero_()
    turns = influence(model, TOKENS)
    assert turns[1] == pytest.approx(0, abs=1e-6)
    small, kept = shallower(model, 1, TOKENS)
    assert kept == (0, 2)
    with torch.no_grad():
        assert torch.allclose(small(TOKENS), model(TOKENS), atol=1e-6)
    assert weight_bytes(small) < weight_bytes(model)


def test_what_cannot_be_pruned_is_refused(trained):
    for share in (-0.1, 1.0):
        with pytest.raises(BadInput):
            pruned(trained, share)
    with pytest.raises(BadInput):
        shallower(trained, 2, TOKENS)
