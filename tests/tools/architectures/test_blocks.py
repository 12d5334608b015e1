"""Laws that every block obeys, whoever wrote it, and what is particular to attention."""

from typing import get_args, get_type_hints

import pytest
import torch
from pydantic import JsonValue
from torch import nn

from sandbox.errors import BadInput
from tools.architectures.block import Block, State, all_blocks, decoder_of, find_block
from tools.architectures.laws import broken_laws

pytestmark = pytest.mark.slow

torch.set_num_threads(1)
Setting = dict[str, JsonValue]
BLOCKS = sorted(all_blocks())
SEQUENCE = [name for name in BLOCKS if find_block(name).mixes == "sequence"]
LONG = 75
"""Positions beyond a chunk, and not a multiple of one."""

# Beyond the defaults and each option on its own, which are tried for every block.
SETTINGS: dict[str, list[Setting]] = {
    "softmax_attention": [
        {"groups": 2, "window": 3},
        {"groups": 1, "window": 5, "positions": "alibi", "sinks": 1},
        {"positions": "none", "sinks": 2, "qk_norm": True},
        {"window": 1},
    ],
    "differential_attention": [{"heads": 4, "depth": 3}, {"heads": 1}],
    "grouped_differential_attention": [
        {"noise": 2, "depth": 2},
        {"signal": 2, "noise": 2, "size": 6},
        {"signal": 6, "noise": 2, "size": 3, "positions": "none"},
    ],
    "latent_attention": [{"rotary": 0}, {"latent": 6, "query_latent": 5, "heads": 2}],
    "linear_attention": [
        {"features": features, "normaliser": normaliser}
        for features in ("relu", "identity", "taylor")
        for normaliser in ("rms", "none")
    ],
    "gated_linear_attention": [
        {"keys": 4, "temperature": 1.0},
        {"heads": 2, "rank": 3, "keys": 1},
    ],
    "retention": [{"first": 1, "heads": 2}],
    "delta_net": [{"heads": 2, "keys": 3}],
    "gated_delta_net": [{"heads": 2, "keys": 3, "negative": True}],
    "long_convolution": [{"span": 5}],
    "state_space_dual": [{"heads": 2, "size": 3, "expansion": 2.0}],
    "short_convolution": [{"kernel": 1}, {"kernel": 20}],
    "block_attention": [{"groups": 2}],
    "glu": [{"expansion": 0.5}],
    "mlp": [{"expansion": 0.5, "activation": "relu_squared"}],
    "poly_norm": [{"expansion": 0.5, "gated": True}],
    "mixture_of_experts": [
        {"active": 1},
        {"experts": 2, "active": 1, "shared": 1},
        {"active": 4, "gate": "sigmoid", "balance": "bias"},
        {"experts": 9, "active": 3, "shared": 2, "expansion": 0.3},
    ],
}


def options(block: Block) -> list[Setting]:
    """Each option and each switch of a block, one at a time."""
    hints = get_type_hints(block.maker.__init__)
    values = {name: get_args(hints[name]) for name in block.parameters}
    values |= {name: (False, True) for name in block.parameters if hints[name] is bool}
    return [{name: value} for name, several in values.items() for value in several]


def worth_trying(block: Block, setting: Setting) -> bool:
    """Whether it differs from the defaults and goes together with them."""
    if block.check(setting) == block.check({}):
        return False
    try:
        block.make(16, setting)
    except BadInput:
        return False
    return True


CASES: list[tuple[str, Setting]] = [
    (name, setting)
    for name in BLOCKS
    for setting in [
        {},
        *(s for s in options(find_block(name)) if worth_trying(find_block(name), s)),
        *SETTINGS.get(name, []),
    ]
]


@pytest.mark.parametrize(("name", "setting"), CASES, ids=str)
def test_every_block_obeys_the_laws_at_every_setting(name: str, setting: Setting) -> None:
    assert broken_laws(find_block(name), setting) == []


@pytest.mark.parametrize("name", BLOCKS)
def test_no_option_of_a_block_goes_untested(name: str) -> None:
    block = find_block(name)
    tried = [block.check(setting) for found, setting in CASES if found == name]
    for option in options(block):
        ((parameter, value),) = option.items()
        assert any(full[parameter] == value for full in tried), option


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_are_of_blocks_that_exist(name: str) -> None:
    assert name in BLOCKS


@pytest.mark.parametrize("name", BLOCKS)
def test_a_block_says_where_it_is_from_and_what_it_is(name: str) -> None:
    block = find_block(name)
    assert block.source
    assert block.summary


@pytest.mark.parametrize("name", SEQUENCE)
def test_a_block_equals_its_reference_beyond_one_chunk(name: str) -> None:
    torch.manual_seed(0)
    block = find_block(name)
    module = block.make(16, {}).double()
    x = torch.randn(1, LONG, 16, dtype=torch.float64)
    with torch.no_grad():
        assert torch.allclose(module(x), block.reference(module, x), atol=1e-5)


@pytest.mark.parametrize("name", BLOCKS)
def test_inputs_thirty_times_too_large_give_finite_outputs_and_gradients(name: str) -> None:
    torch.manual_seed(0)
    module = find_block(name).make(16, {})
    x = (30 * torch.randn(2, LONG, 16)).requires_grad_()
    y = module(x)
    y.square().mean().backward()
    assert x.grad is not None
    assert y.isfinite().all()
    assert x.grad.isfinite().all()
    for part, parameter in module.named_parameters():
        assert parameter.grad is None or parameter.grad.isfinite().all(), part


@pytest.mark.parametrize("name", [n for n in SEQUENCE if find_block(n).decodes])
def test_only_a_block_that_says_so_keeps_a_growing_state(name: str) -> None:
    block = find_block(name)
    decoder = decoder_of(block.make(16, {}))
    state, sizes = decoder.start(1), []
    with torch.no_grad():
        for _ in range(3):
            state = decoder.step(torch.randn(1, 16), state)[1]
            sizes.append(cached(state))
    assert (sizes[0] == sizes[2]) == block.constant_state


@pytest.mark.parametrize("name", SEQUENCE)
def test_no_block_is_tied_to_one_device(name: str) -> None:
    """The meta device holds no numbers, but refuses to mix with tensors of another."""
    module = find_block(name).make(16, {}).to("meta")
    assert module(torch.randn(2, LONG, 16, device="meta")).device.type == "meta"
    if find_block(name).decodes:
        decoder = decoder_of(module)
        state = decoder.start(2)
        for _ in range(2):
            y, state = decoder.step(torch.randn(2, 16, device="meta"), state)
            assert {part.device.type for part in (y, *state.values())} == {"meta"}


def cached(state: State) -> int:
    """Numbers that a state holds."""
    return sum(part.numel() for part in state.values())


def filled(name: str, setting: Setting, positions: int = 5) -> State:
    decoder = decoder_of(find_block(name).make(16, setting))
    state = decoder.start(1)
    with torch.no_grad():
        for _ in range(positions):
            state = decoder.step(torch.randn(1, 16), state)[1]
    return state


def test_latent_attention_keeps_one_latent_and_one_rotary_key_a_position() -> None:
    assert cached(filled("latent_attention", {"latent": 6, "rotary": 4})) == 5 * (6 + 4)


@pytest.mark.parametrize(
    ("name", "setting"),
    [(n, s) for n, s in CASES if getattr(find_block(n).maker, "chunks", False)],
    ids=str,
)
def test_positions_read_in_chunks_equal_all_at_once(name: str, setting: Setting) -> None:
    torch.manual_seed(0)
    module = find_block(name).make(16, setting).double()
    x = torch.randn(2, 21, 16, dtype=torch.float64)
    decoder, rows = decoder_of(module), []
    with torch.no_grad():
        state = decoder.start(2)
        for chunk in x.split([1, 6, 2, 9, 1, 2], 1):
            y, state = decoder.step(chunk, state)
            rows.append(y)
        assert torch.allclose(torch.cat(rows, 1), module(x), atol=1e-10)


def test_a_window_bounds_the_cache() -> None:
    state = filled("softmax_attention", {"window": 3}, positions=9)
    assert state["key"].shape[2] == state["value"].shape[2] == 3


def test_as_many_noise_as_signal_heads_make_differential_attention() -> None:
    torch.manual_seed(0)
    grouped = find_block("grouped_differential_attention").make(16, {"signal": 2, "noise": 2})
    plain = find_block("differential_attention").make(16, {"heads": 2})
    plain.load_state_dict(grouped.state_dict())
    x = torch.randn(2, 9, 16)
    assert torch.equal(grouped(x), plain(x))


def test_lambda_starts_larger_in_deeper_layers() -> None:
    find = find_block("differential_attention").make
    starts = [float(find(16, {"depth": depth}).initial) for depth in (1, 2, 30)]  # type: ignore[arg-type]
    assert starts[0] == pytest.approx(0.2)
    assert starts == sorted(starts)
    assert starts[-1] < 0.8


def test_alibi_sees_near_before_far() -> None:
    torch.manual_seed(0)
    module = find_block("softmax_attention").make(16, {"positions": "alibi", "heads": 1})
    for part in (module.query, module.key):
        nn.init.zeros_(part.weight)  # type: ignore[arg-type,union-attr]
    for part in (module.value, module.out):
        nn.init.eye_(part.weight)  # type: ignore[arg-type,union-attr]
    weights = module(torch.eye(8, 16)[None])[0, -1, :8]
    ratios = weights[1:] / weights[:-1]
    assert torch.allclose(ratios, torch.full_like(ratios, 2.0**-8).exp())


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("softmax_attention", {"heads": 3}),
        ("softmax_attention", {"groups": 3}),
        ("softmax_attention", {"positions": "learned"}),
        ("softmax_attention", {"sinks": -1}),
        ("differential_attention", {"heads": 3}),
        ("differential_attention", {"depth": 0}),
        ("grouped_differential_attention", {"signal": 4, "noise": 3}),
        ("latent_attention", {"rotary": 3}),
        ("linear_attention", {"features": "identity"}),
        ("gated_linear_attention", {"temperature": 0.0}),
        ("retention", {"first": 0}),
        ("mixture_of_experts", {"experts": 2, "active": 3}),
        ("mixture_of_experts", {"active": 0}),
        ("mixture_of_experts", {"experts": 1, "active": 1}),
        ("mixture_of_experts", {"shared": -1}),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused_with_a_remedy(name: str, setting: Setting) -> None:
    with pytest.raises(BadInput) as refused:
        find_block(name).make(16, setting)
    assert refused.value.fix
