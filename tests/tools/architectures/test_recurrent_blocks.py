"""What is special to the recurrent and convolutional blocks, beyond the laws that all obey."""

import pytest
import torch
from pydantic import JsonValue
from torch import Tensor
from torch.nn import functional as nnf

from sandbox.errors import BadInput
from tools.architectures import laws
from tools.architectures.block import Decoder, State, decoder_of, find_block
from tools.architectures.chunked import chunked_delta, chunked_diagonal_delta
from tools.architectures.recurrences import (
    Step,
    delta_step,
    diagonal_delta_step,
    unrolled,
)
from tools.architectures.scans import linear_scan

pytestmark = pytest.mark.slow

torch.set_num_threads(1)
Setting = dict[str, JsonValue]
LENGTH, KEYS, VALUES = 37, 5, 6
CONSTANT = ["state_space_dual", "delta_net", "gated_delta_net", "rwkv", "rg_lru"]
SETTINGS: list[tuple[str, Setting]] = [
    ("state_space_dual", {"heads": 2, "size": 3, "expansion": 2.0}),
    ("delta_net", {"heads": 2, "keys": 3, "negative": True}),
    ("gated_delta_net", {"heads": 1, "keys": 20}),
    ("rwkv", {"heads": 2, "rank": 3}),
    ("rg_lru", {"heads": 1}),
    ("long_convolution", {"filter": "explicit", "span": 5}),
]
FORMS: dict[str, tuple[Step, Step]] = {
    "delta": (chunked_delta, delta_step),
    "diagonal delta": (chunked_diagonal_delta, diagonal_delta_step),
}


def parts_of(form: str) -> list[Tensor]:
    """Random inputs of a chunked form: query, key, value and what else it takes."""
    torch.manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.randn(2, *shape, dtype=torch.float64)

    def keys(heads: int = 3) -> Tensor:
        return nnf.normalize(draw(heads, LENGTH, KEYS), dim=-1)

    value, fading = draw(3, LENGTH, VALUES), -draw(3, LENGTH).abs()
    if form == "delta":
        return [keys(), keys(), value, 2 * draw(3, LENGTH).sigmoid(), fading]
    removed = keys()
    written = removed * draw(3, LENGTH, KEYS).sigmoid()
    return [keys(), keys(), value, removed, written, -draw(3, LENGTH, KEYS).sigmoid()]


@pytest.mark.parametrize("chunk", [1, 5, 64])
@pytest.mark.parametrize("form", FORMS)
def test_the_size_of_a_chunk_changes_neither_outputs_nor_state_nor_gradients(
    form: str, chunk: int
) -> None:
    chunked, step = FORMS[form]
    found = []
    for run in (
        lambda state, parts: chunked(*parts, state=state, chunk=chunk),
        lambda state, parts: unrolled(step, state, *parts),
    ):
        parts = [part.requires_grad_() for part in parts_of(form)]
        state = torch.randn(2, 3, KEYS, VALUES, dtype=torch.float64).requires_grad_()
        output, last = run(state, parts)
        (output.square().sum() + last.sin().sum()).backward()
        found.append([output, last, *(part.grad for part in (*parts, state))])
    for fast, plain in zip(*found, strict=True):
        torch.testing.assert_close(fast, plain, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("form", FORMS)
def test_a_state_handed_on_between_two_chunked_passes_continues_as_one_pass(form: str) -> None:
    chunked, _ = FORMS[form]
    parts = parts_of(form)
    whole, last = chunked(*parts, chunk=8)
    first, state = chunked(*(part[:, :, :21] for part in parts), chunk=8)
    rest, end = chunked(*(part[:, :, 21:] for part in parts), state=state, chunk=8)
    torch.testing.assert_close(torch.cat((first, rest), 2), whole)
    torch.testing.assert_close(end, last)


@pytest.mark.parametrize(("name", "setting"), SETTINGS)
def test_laws_hold_over_several_chunks_and_settings(
    name: str, setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(laws, "LENGTH", 40)
    assert laws.broken_laws(find_block(name), setting) == []


@pytest.mark.parametrize("scale", [1.0, 30.0])
@pytest.mark.parametrize("name", [*CONSTANT, "long_convolution"])
def test_a_thousand_positions_in_single_precision_stay_finite_and_close_to_double(
    name: str, scale: float
) -> None:
    torch.manual_seed(0)
    module = find_block(name).make(16, {})
    x = scale * torch.randn(1, 1024, 16)
    single = module(x.requires_grad_())
    single.square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in module.parameters())
    assert x.grad is not None and x.grad.isfinite().all()
    double = module.double()(x.double())
    worst = (single - double).abs().max() / double.abs().max()
    assert worst < 1e-4, f"relative to the largest output: {worst:.1e}"


@pytest.mark.parametrize("name", CONSTANT)
def test_gates_that_saturate_leave_a_block_equal_to_its_reference(name: str) -> None:
    torch.manual_seed(0)
    block = find_block(name)
    module = block.make(16, {}).double()
    x = 30 * torch.randn(2, 40, 16, dtype=torch.float64)
    with torch.no_grad():
        plain = block.reference(module, x)
        assert (module(x) - plain).abs().max() < 1e-5 * plain.abs().max()


@pytest.mark.parametrize("rate", [1.0, 2.0])
def test_a_key_written_again_and_again_stays_accurate_in_single_precision(rate: float) -> None:
    torch.manual_seed(0)
    key = nnf.normalize(torch.randn(1, 1, 1, 16), dim=-1).expand(-1, -1, 1024, -1)
    key = nnf.normalize(key + 1e-3 * torch.randn(1, 1, 1024, 16), dim=-1)
    rates, value = torch.full((1, 1, 1024), rate), torch.randn(1, 1, 1024, 16)
    parts = [key, key, value, rates, torch.zeros_like(rates)]
    single, _ = chunked_delta(*parts)
    double, _ = chunked_delta(*(part.double() for part in parts))
    assert (single - double).abs().max() < 1e-3 * double.abs().max()


def decoded(module: Decoder, x: Tensor, state: State) -> tuple[Tensor, State]:
    rows = []
    for t in range(x.shape[1]):
        row, state = module.step(x[:, t], state)
        rows.append(row)
    return torch.stack(rows, 1), state


def bytes_of(state: State) -> int:
    return sum(value.numel() * value.element_size() for value in state.values())


@pytest.mark.parametrize("name", CONSTANT)
def test_the_bytes_of_the_state_stay_those_of_the_start(name: str) -> None:
    module = decoder_of(find_block(name).make(16, {}))
    start = module.start(3)
    with torch.no_grad():
        _, end = decoded(module, torch.randn(3, 40, 16), start)
    assert find_block(name).constant_state
    assert bytes_of(start) == bytes_of(end) > 0


def test_a_long_convolution_keeps_one_input_a_position() -> None:
    module = decoder_of(find_block("long_convolution").make(16, {}))
    with torch.no_grad():
        _, end = decoded(module, torch.randn(3, 40, 16), module.start(3))
    assert not find_block("long_convolution").constant_state
    assert bytes_of(end) == 3 * 40 * 16 * 4


@pytest.mark.parametrize("name", [*CONSTANT, "long_convolution"])
def test_a_state_can_be_continued_twice_because_a_step_leaves_it_as_it_was(name: str) -> None:
    torch.manual_seed(0)
    module = find_block(name).make(16, {}).double()
    x = torch.randn(2, 30, 16, dtype=torch.float64)
    with torch.no_grad():
        whole, decoder = module(x), decoder_of(module)
        _, state = decoded(decoder, x[:, :20], decoder.start(2))
        decoded(decoder, torch.randn_like(x[:, 20:]), state)
        rest, _ = decoded(decoder, x[:, 20:], state)
    torch.testing.assert_close(rest, whole[:, 20:])


def test_a_full_rate_stores_a_value_under_an_orthonormal_key_and_overwrites_it_exactly() -> None:
    torch.manual_seed(0)
    keys, _ = torch.linalg.qr(torch.randn(4, 4, dtype=torch.float64))
    order = [0, 1, 2, 3, 1, 0, 1]
    key = keys[order].expand(1, 1, -1, -1)
    value = torch.randn(1, 1, len(order), 3, dtype=torch.float64)
    rate = torch.ones(1, 1, len(order), dtype=torch.float64)
    for chunk in (2, 32):
        read, memory = chunked_delta(key, key, value, rate, torch.zeros_like(rate), chunk=chunk)
        torch.testing.assert_close(read, value, atol=1e-12, rtol=0)
        stored = keys @ memory[0, 0]
        torch.testing.assert_close(stored, value[0, 0, [5, 6, 2, 3]], atol=1e-12, rtol=0)


def test_a_rate_of_two_with_an_empty_value_flips_the_sign_of_what_a_key_held() -> None:
    key = torch.tensor([0.6, 0.8], dtype=torch.float64).expand(1, 1, 9, 2)
    rate = torch.full((1, 1, 9), 2.0, dtype=torch.float64)
    nothing, held = torch.zeros(1, 1, 9, 1, dtype=torch.float64), key[:, :, 0, :, None]
    read, _ = chunked_delta(key, key, nothing, rate, torch.zeros_like(rate), state=held, chunk=4)
    signs = torch.tensor([-1.0, 1.0], dtype=torch.float64).repeat(5)[:9]
    torch.testing.assert_close(read.flatten(), signs, atol=1e-12, rtol=0)


@pytest.mark.parametrize("length", [1, 2, 7, 64, 100])
def test_the_scan_by_doubling_is_the_loop(length: int) -> None:
    torch.manual_seed(0)
    decay, added = torch.rand(2, length, 3).double(), torch.randn(2, length, 3).double()
    state, rows = torch.zeros(2, 3).double(), []
    for t in range(length):
        state = decay[:, t] * state + added[:, t]
        rows.append(state)
    torch.testing.assert_close(linear_scan(decay, added), torch.stack(rows, 1))


def test_an_explicit_filter_forgets_beyond_its_span() -> None:
    torch.manual_seed(0)
    module = find_block("long_convolution").make(8, {"filter": "explicit", "span": 3})
    x = torch.randn(1, 20, 8, requires_grad=True)
    module(x)[0, 10].sum().backward()
    assert x.grad is not None
    touched = x.grad[0].abs().sum(-1) > 1e-6
    assert touched.nonzero().flatten().tolist() == [8, 9, 10]


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("state_space_dual", {"heads": 3}),
        ("state_space_dual", {"size": 0}),
        ("delta_net", {"heads": 0}),
        ("delta_net", {"keys": -1}),
        ("gated_delta_net", {"heads": 5}),
        ("gated_delta_net", {"keys": -1}),
        ("rwkv", {"rank": 0}),
        ("rwkv", {"heads": 7}),
        ("rg_lru", {"heads": 3}),
        ("long_convolution", {"span": 0}),
        ("long_convolution", {"filter": "none"}),
    ],
)
def test_a_block_refuses_what_it_cannot_be(name: str, setting: Setting) -> None:
    with pytest.raises(BadInput):
        find_block(name).make(16, setting)
