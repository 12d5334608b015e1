"""Recurrent blocks against transformers' own, written by others: outputs and all gradients.

transformers computes these in single precision whatever it is given, so both sides do, and what
may differ is rounding: TOLERANCE, relative to the largest value compared. Its modules have a short
convolution inside, which ours leave to the layer: theirs gets one tap of 1.
"""

from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from tools.architectures.block import find_block
from tools.architectures.chunked import chunked_delta, chunked_diagonal_delta
from tools.architectures.linear_recurrence import recur
from tools.architectures.norms import EPS

torch.set_num_threads(1)
pytestmark = pytest.mark.slow
BATCH, LENGTH, HEADS, SIZE, WIDTH = 2, 75, 4, 8, 32
TOLERANCE = 1e-5
Run = Callable[..., Tensor]


def draw(*shape: int) -> Tensor:
    return torch.randn(BATCH, *shape)


def heads_first(*parts: Tensor) -> list[Tensor]:
    """(B, T, heads, ...) -> (B, heads, T, ...)."""
    return [part.transpose(1, 2) for part in parts]


def values(run: Run, parts: list[Tensor], weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The output, and its weighted sum's gradients of the inputs and of the weights by name."""
    parts = [part.detach().requires_grad_() for part in parts]
    output = run(*parts)
    tilt = torch.linspace(-1, 1, output.numel()).view_as(output)
    names, wanted = list(weights), [*parts, *weights.values()]
    gradients = torch.autograd.grad((output * tilt).sum(), wanted)
    inputs = [f"input {number}" for number in range(len(parts))]
    return {"output": output.detach(), **dict(zip([*inputs, *names], gradients, strict=True))}


def assert_alike(ours: Run, theirs: Run, parts: list[Tensor], shared: Mapping[str, Tensor]) -> None:
    """shared: their weights under our names, the very tensors that `ours` computes from."""
    mine, other = values(ours, parts, shared), values(theirs, parts, shared)
    for name in mine:
        difference = float((mine[name] - other[name]).abs().max())
        largest = float(other[name].detach().abs().max())
        print(f"{name}: largest difference {difference:.1e} of {largest:.1e}")
        assert difference <= TOLERANCE * max(1.0, largest), name


def with_weights_of(ours: nn.Module, theirs: nn.Module, names: dict[str, str]) -> Run:
    """Our block as a function that computes from their parameters."""
    assert set(names) == {name for name, _ in ours.named_parameters()}
    shared = shared_weights(theirs, names)
    return lambda x: torch.func.functional_call(ours, shared, (x,))


def shared_weights(theirs: nn.Module, names: dict[str, str]) -> dict[str, Tensor]:
    return {mine: theirs.get_parameter(name) for mine, name in names.items()}


def one_tap(convolution: nn.Conv1d) -> None:
    nn.init.ones_(convolution.weight)
    if convolution.bias is not None:
        nn.init.zeros_(convolution.bias)


def test_state_space_duality_is_the_chunk_scan_of_mamba2() -> None:
    from transformers.models.mamba2.modeling_mamba2 import mamba2_chunk_scan

    torch.manual_seed(0)
    timestep, rate = nnf.softplus(draw(LENGTH, HEADS)), -torch.rand(HEADS) * 8

    def ours(value: Tensor, reading: Tensor, writing: Tensor, timestep: Tensor) -> Tensor:
        query, key = reading[:, None], writing[:, None]
        value, log_decay = heads_first(value * timestep[..., None], timestep * rate)
        return recur(query, key, value, log_decay[..., None]).transpose(1, 2)

    def theirs(value: Tensor, reading: Tensor, writing: Tensor, timestep: Tensor) -> Tensor:
        scan: Tensor = mamba2_chunk_scan(
            value, timestep, rate, writing[:, :, None], reading[:, :, None], chunk_size=16
        )
        return scan

    parts = [draw(LENGTH, HEADS, SIZE), draw(LENGTH, 5), draw(LENGTH, 5), timestep]
    assert_alike(ours, theirs, parts, {})


@pytest.mark.parametrize("form", ["recurrent", "chunk"])
@pytest.mark.parametrize("gated", [False, True])
def test_the_delta_rule_is_that_of_qwen3_next(form: str, gated: bool) -> None:
    from transformers.models.qwen3_next import modeling_qwen3_next

    torch.manual_seed(0)
    their_rule = getattr(modeling_qwen3_next, f"torch_{form}_gated_delta_rule")
    query, key = (nnf.normalize(draw(LENGTH, HEADS, SIZE), dim=-1) for _ in range(2))
    fading = -nnf.softplus(draw(LENGTH, HEADS)) * gated

    def ours(query: Tensor, key: Tensor, value: Tensor, rate: Tensor, fading: Tensor) -> Tensor:
        parts = heads_first(query * SIZE**-0.5, key, value, rate, fading)
        return chunked_delta(*parts)[0].transpose(1, 2)

    def theirs(query: Tensor, key: Tensor, value: Tensor, rate: Tensor, fading: Tensor) -> Tensor:
        output: Tensor = their_rule(query, key, value, g=fading, beta=rate)[0]
        return output

    parts = [query, key, draw(LENGTH, HEADS, 6), draw(LENGTH, HEADS).sigmoid(), fading]
    assert_alike(ours, theirs, parts, {})


def test_the_delta_rule_with_decay_by_feature_is_that_of_kimi_linear() -> None:
    """RWKV-7's rule, with removal decay * key and write rate * key, is Kimi's delta attention."""
    from transformers.models.kimi_linear.modeling_kimi_linear import recurrent_kimi_delta_attention

    torch.manual_seed(0)
    query, key = (nnf.normalize(draw(LENGTH, HEADS, SIZE), dim=-1) for _ in range(2))
    fading = -0.6 * draw(LENGTH, HEADS, SIZE).sigmoid()

    def ours(query: Tensor, key: Tensor, value: Tensor, rate: Tensor, fading: Tensor) -> Tensor:
        written = rate[..., None] * key
        parts = heads_first(query * SIZE**-0.5, written, value, fading.exp() * key, written, fading)
        return chunked_diagonal_delta(*parts)[0].transpose(1, 2)

    def theirs(query: Tensor, key: Tensor, value: Tensor, rate: Tensor, fading: Tensor) -> Tensor:
        output: Tensor = recurrent_kimi_delta_attention(
            query, key, value, fading, rate, None, False
        )[0]
        return output

    parts = [query, key, draw(LENGTH, HEADS, 6), draw(LENGTH, HEADS).sigmoid(), fading]
    assert_alike(ours, theirs, parts, {})


def test_the_recurrence_with_a_decay_a_feature_is_the_selective_scan_of_mamba() -> None:
    """Each channel of Mamba is a head with one value, whose features fade by rates of its own."""
    from transformers.models.mamba.modeling_mamba import mamba_selective_scan

    torch.manual_seed(0)
    timestep, rate = nnf.softplus(draw(LENGTH, HEADS)), -torch.rand(HEADS, SIZE)

    def ours(value: Tensor, reading: Tensor, writing: Tensor, timestep: Tensor) -> Tensor:
        written, fading = heads_first((value * timestep)[..., None], timestep[..., None] * rate)
        return recur(reading[:, None], writing[:, None], written, fading)[..., 0].mT

    def theirs(value: Tensor, reading: Tensor, writing: Tensor, timestep: Tensor) -> Tensor:
        scanned: Tensor = mamba_selective_scan(value.mT, timestep.mT, rate, writing.mT, reading.mT)
        return scanned.mT

    parts = [draw(LENGTH, HEADS), draw(LENGTH, SIZE), draw(LENGTH, SIZE), timestep]
    assert_alike(ours, theirs, parts, {})


def test_the_block_of_state_space_duality_is_the_mixer_of_mamba2() -> None:
    from transformers import Mamba2Config
    from transformers.models.mamba2.modeling_mamba2 import Mamba2Mixer

    torch.manual_seed(0)
    state, inner = 5, 2 * WIDTH
    config = Mamba2Config(
        hidden_size=WIDTH,
        expand=2,
        num_heads=HEADS,
        head_dim=inner // HEADS,
        state_size=state,
        n_groups=1,
        conv_kernel=1,
        chunk_size=16,
        num_hidden_layers=1,
        layer_norm_epsilon=EPS,
    )
    theirs = Mamba2Mixer(config, 0)
    one_tap(theirs.conv1d)
    ours = find_block("state_space_dual").make(
        WIDTH, {"heads": HEADS, "size": state, "expansion": 2.0, "convolution": 0}
    )
    shared = shared_weights(
        theirs,
        {
            "forgetting.bias": "dt_bias",
            "forgetting.log_rate": "A_log",
            "skip": "D",
            "norm.gain": "norm.weight",
            "out.weight": "out_proj.weight",
        },
    )
    names = ("gate", "hidden", "writing", "reading", "forgetting.linear")
    fused = theirs.in_proj.weight

    def run(x: Tensor) -> Tensor:
        cut = fused.split_with_sizes([inner, inner, state, state, HEADS])
        weights = {f"{name}.weight": part for name, part in zip(names, cut, strict=True)}
        output: Tensor = torch.func.functional_call(ours, shared | weights, (x,))
        return output

    assert set(shared) | {f"{name}.weight" for name in names} == set(ours.state_dict())
    assert_alike(run, theirs, [draw(LENGTH, WIDTH)], {**shared, "in": fused})


@pytest.mark.parametrize("negative", [False, True])
def test_the_block_of_the_gated_delta_rule_is_that_of_olmo_hybrid(negative: bool) -> None:
    from transformers import OlmoHybridConfig
    from transformers.models.olmo_hybrid.modeling_olmo_hybrid import OlmoHybridGatedDeltaNet

    torch.manual_seed(0)
    config = OlmoHybridConfig(
        hidden_size=WIDTH,
        linear_num_key_heads=HEADS,
        linear_num_value_heads=HEADS,
        linear_key_head_dim=6,
        linear_value_head_dim=SIZE,
        linear_conv_kernel_dim=1,
        linear_allow_neg_eigval=negative,
        num_hidden_layers=2,
        layer_types=["linear_attention", "full_attention"],
    )
    theirs = OlmoHybridGatedDeltaNet(config, 0)
    one_tap(theirs.conv1d)
    # Their queries are divided by the root of their size, which the norm undoes but for this.
    theirs.o_norm.variance_epsilon = EPS / 6
    ours = find_block("gated_delta_net").make(
        WIDTH, {"heads": HEADS, "keys": 6, "negative": negative, "convolution": 0}
    )
    names = {
        "query.weight": "q_proj.weight",
        "key.weight": "k_proj.weight",
        "value.weight": "v_proj.weight",
        "rate.weight": "b_proj.weight",
        "forgetting.linear.weight": "a_proj.weight",
        "forgetting.bias": "dt_bias",
        "forgetting.log_rate": "A_log",
        "gate.weight": "g_proj.weight",
        "norm.gain": "o_norm.weight",
        "out.weight": "o_proj.weight",
    }
    run, shared = with_weights_of(ours, theirs, names), shared_weights(theirs, names)
    assert_alike(run, theirs, [draw(LENGTH, WIDTH)], shared)


def test_the_block_of_the_rg_lru_is_that_of_recurrent_gemma() -> None:
    from transformers import RecurrentGemmaConfig
    from transformers.models.recurrent_gemma.modeling_recurrent_gemma import (
        RecurrentGemmaRecurrentBlock,
    )

    torch.manual_seed(0)
    config = RecurrentGemmaConfig(
        hidden_size=WIDTH,
        lru_width=WIDTH,
        num_attention_heads=HEADS,
        conv1d_width=1,
        hidden_activation="gelu",
    )
    theirs = RecurrentGemmaRecurrentBlock(config, 0)
    one_tap(theirs.conv_1d)
    for name, parameter in theirs.named_parameters():
        if name.startswith("linear") and name.endswith("bias"):
            nn.init.zeros_(parameter)
        elif name.startswith("rg_lru"):
            nn.init.normal_(parameter, std=0.5)
    flat = {
        "hidden.weight": "linear_x.weight",
        "gate.weight": "linear_y.weight",
        "input_gate": "rg_lru.input_gate_weight",
        "fading_gate": "rg_lru.recurrent_gate_weight",
        "rate": "rg_lru.recurrent_param",
        "out.weight": "linear_out.weight",
    }
    shared = shared_weights(theirs, flat)
    biases = {
        "input_bias": theirs.rg_lru.input_gate_bias,
        "fading_bias": theirs.rg_lru.recurrent_gate_bias,
    }
    ours = find_block("rg_lru").make(WIDTH, {"heads": HEADS})
    # Theirs takes the first position's input whole; numbered from 1, none is the first.
    positions = torch.arange(1, LENGTH + 1)[None]

    def run(x: Tensor) -> Tensor:
        weights = shared | {name: bias.flatten() for name, bias in biases.items()}
        output: Tensor = torch.func.functional_call(ours, weights, (x,))
        return output

    assert set(shared) | set(biases) == set(ours.state_dict())
    assert_alike(
        run,
        lambda x: theirs(x, positions, None, use_cache=False)[0],
        [draw(LENGTH, WIDTH)],
        shared | biases,
    )
