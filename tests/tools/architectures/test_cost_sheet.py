"""One table of costs: every number is counted on the model or timed on a clock."""

import itertools

import pytest
import torch
from torch import nn

from tests.tools.architectures.small_recall import attention
from tools.architectures.adapter import Adapter
from tools.architectures.architecture import Architecture
from tools.architectures.cost_sheet import CostSheet, cost_sheets
from tools.architectures.counts import flops_per_token, parameters
from tools.architectures.decode import Sampling
from tools.architectures.foreign import Foreign
from tools.architectures.memory import peak_bytes
from tools.architectures.new_backbone import new_backbone
from tools.architectures.objective import find_objective
from tools.architectures.quantisation import quantised
from tools.architectures.speed import Contender, Timing

pytestmark = pytest.mark.slow

torch.set_num_threads(1)
TEXT = torch.arange(100) % 16


def ticking() -> Timing:
    """A clock that advances by a second at each look."""
    return Timing(repeats=1, clock=itertools.count().__next__)


def sheet(model: nn.Module, objective: str = "next_token", context: int = 16) -> CostSheet:
    aim = find_objective(objective).make()
    contender = Contender("one", aim, model.eval(), Sampling(0.0))
    [found] = cost_sheets([contender], TEXT, context, (1, 2), 4, ticking())
    return found


def test_a_sheet_agrees_with_each_count():
    model = new_backbone(attention(16, layers=2, convolution=0), 16)
    found = sheet(model)
    assert found.parameters == found.active_parameters == parameters(model)
    assert found.weight_bytes == 4 * parameters(model)
    assert found.flops_per_token == flops_per_token(model, 16)
    assert found.training_flops_per_token == flops_per_token(model, 16, backward=True)
    each = 2 * 2 * 16 * 4
    assert found.state_bytes_per_token == each
    assert found.state_bytes == 16 * each + 2 * 8, "keys, values, and where each layer is"
    assert [pace.batch for pace in found.paces] == [1, 2]
    assert [pace.prefill_tokens_per_s for pace in found.paces] == [16, 32]
    assert [pace.decode_tokens_per_s for pace in found.paces] == [4, 8]
    assert all(p.grad is None for p in model.parameters())


def test_models_are_timed_in_turns_and_each_sheet_has_its_own_paces():
    aim = find_objective("next_token").make()
    attentive, other = (new_backbone(attention(16, layers=n, convolution=0), 16) for n in (1, 2))
    both = [
        Contender(name, aim, model.eval(), Sampling(0.0))
        for name, model in (("short", attentive), ("deep", other))
    ]
    timing = Timing(repeats=2, clock=itertools.count().__next__)
    first, second = cost_sheets(both, TEXT, 16, (1,), 4, timing)
    assert [first.name, second.name] == ["short", "deep"]
    assert [p.contender for p in (*first.paces, *second.paces)] == ["short", "deep"]
    assert first.weight_bytes < second.weight_bytes
    assert {name for name, _, _ in first.rows()} == {name for name, _, _ in second.rows()}


def test_a_constant_state_grows_by_nothing_and_a_mixture_is_partly_idle():
    layer = {"mixer": {"block": "linear_attention"}, "channel": {"block": "mixture_of_experts"}}
    model = new_backbone(Architecture.model_validate({"width": 16, "layers": [layer]}), 16)
    found = sheet(model)
    assert found.state_bytes_per_token == 0
    assert found.parameters - found.active_parameters == 2 * 3 * 16 * 16


def test_a_quantised_model_weighs_less_and_is_not_trained():
    model = new_backbone(attention(16), 16)
    small, whole = sheet(quantised(model)), sheet(model)
    assert small.weight_bytes < whole.weight_bytes / 2
    assert small.training_bytes is None
    assert small.training_flops_per_token is None
    assert small.flops_per_token == whole.flops_per_token


def test_what_keeps_no_cache_has_no_state():
    layer = {"mixer": {"block": "softmax_attention"}}
    aim = find_objective("masked_diffusion").make()
    model = aim.model(Architecture.model_validate({"width": 16, "layers": [layer]}), 16)
    found = sheet(model, "masked_diffusion")
    assert found.state_bytes is None
    assert found.paces[0].prefill_tokens_per_s is None


@pytest.mark.parametrize(("family", "idle"), [("llama", 0), ("qwen3_moe", 2 * 2 * 3 * 16 * 32)])
def test_models_of_transformers_have_a_sheet(family, idle):
    found = sheet(Adapter(Foreign(family=family, width=16), 16))
    assert found.parameters - found.active_parameters == idle
    assert found.state_bytes == 2 * 2 * 16 * 16 * 4


def test_every_row_has_a_unit():
    rows = list(sheet(new_backbone(attention(16), 16)).rows())
    assert len(rows) == 9 + 2 * 2
    assert all(unit in ("count", "bytes", "FLOPs", "tokens/s") for _, _, unit in rows)


def test_memory_counts_what_is_alive_at_once_and_neither_inputs_nor_views():
    x = torch.zeros(100)

    def chain() -> None:
        one = x + 1
        two = one.view(10, 10) + 1
        del one
        two.add_(1)
        two + 1

    assert peak_bytes(chain, [x]) == 2 * 400
    assert peak_bytes(lambda: x.view(10, 10), [x]) == 0


def test_training_holds_more_than_reading_and_more_with_length():
    model = new_backbone(attention(16), 64)
    short, long = sheet(model, context=8), sheet(model, context=32)
    assert short.training_bytes is not None
    assert short.training_bytes > short.forward_bytes > 0
    assert long.forward_bytes > 3 * short.forward_bytes
