"""The laws of blocks catch the guilty and let the innocent pass."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tools.architectures.block import Block, Mixes, State
from tools.architectures.laws import broken_laws
from tools.bench import Bench
from tools.tool import find_tool

torch.set_num_threads(1)


class Average(nn.Module):
    """Each position reads the mean of all before it; the innocent one the guilty are made from."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.map = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        counts = torch.arange(1, x.shape[1] + 1, dtype=x.dtype)[:, None]
        mixed: Tensor = self.map(x.cumsum(1) / counts)
        return mixed

    def start(self, batch: int) -> State:
        zeros = self.map.weight.new_zeros(batch, self.map.in_features)
        return {"sum": zeros, "seen": zeros[:, :1]}

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        after = {"sum": state["sum"] + x, "seen": state["seen"] + 1}
        return self.map(after["sum"] / after["seen"]), after


class Peeking(Average):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + 1e-3 * x.roll(-1, 1)


class PeekingLate(Average):
    """As a chunk that looks to its end would: beyond any short trial."""

    def forward(self, x: Tensor) -> Tensor:
        mixed = super().forward(x)
        return mixed if x.shape[1] < 40 else mixed + 1e-3 * x.roll(-1, 1)


class Gossiping(Average):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x + 1e-3 * x.mean(0))


class Speechless(Average):
    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        y, after = super().step(x, state)
        return y * torch.nan, after


class Forgetful(Average):
    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        return super().step(x, {"sum": state["sum"] * 0.99, "seen": state["seen"]})


class Frozen(Average):
    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            weight = self.map.weight.clone()
        counts = torch.arange(1, x.shape[1] + 1, dtype=x.dtype)[:, None]
        return x.cumsum(1) / counts @ weight.T + self.map.bias


class Idle(Average):
    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.unused = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + 0 * self.unused


class Narrow(Average):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)[..., :-1]


class Exploding(Average):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) / 0


class Inexact(Average):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * (1 + 1e-3)


def plain_average(module: nn.Module, x: Tensor) -> Tensor:
    assert isinstance(module, Average)
    rows = [module.map(x[:, : t + 1].mean(1)) for t in range(x.shape[1])]
    return torch.stack(rows, 1)


def on_trial(maker: type[nn.Module], mixes: Mixes = "sequence") -> Block:
    """A block of that class, which no registry has seen."""
    return Block(
        name=maker.__name__.lower(),
        source="this test",
        summary="",
        mixes=mixes,
        causal=True,
        constant_state=True,
        maker=maker,
        reference=plain_average,
    )


def test_the_innocent_block_breaks_no_law() -> None:
    assert broken_laws(on_trial(Average)) == []


@pytest.mark.parametrize(
    ("guilty", "law"),
    [
        (Peeking, "causality: outputs before position 6 change"),
        (PeekingLate, "causality: outputs before position 37 change"),
        (Gossiping, "values: the output of a sequence changes with the others"),
        (Speechless, "decoding: one position at a time differs from all at once by nan"),
        (Forgetful, "decoding: one position at a time differs"),
        (Frozen, "gradient: map.weight gets none"),
        (Idle, "gradient: unused never changes the output"),
        (Narrow, "shape: (2, 12, 16) became (2, 12, 15)"),
        (Exploding, "values: the output is not finite"),
        (Inexact, "reference: output differs"),
    ],
)
def test_the_laws_catch_a_guilty_block(guilty: type[nn.Module], law: str) -> None:
    assert any(sentence.startswith(law) for sentence in broken_laws(on_trial(guilty)))


def test_a_channel_mixer_that_mixes_positions_is_caught_though_it_is_causal() -> None:
    class Blending(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.map = nn.Linear(width, width)

        def forward(self, x: Tensor) -> Tensor:
            mixed: Tensor = self.map(x if x.dim() == 2 else x.cumsum(1))
            return mixed

    block = replace(on_trial(Blending, "channel"), reference=lambda module, x: module(x))
    assert [law.partition(":")[0] for law in broken_laws(block)] == ["decoding"]


@pytest.mark.parametrize(
    ("name", "decoding", "causality"),
    [
        ("glu", "holds", "holds"),
        ("softmax_attention", "holds", "holds"),
        ("bidirectional_attention", "not asked", "not asked"),
    ],
)
def test_a_check_says_of_each_law_whether_it_was_asked(
    name: str, decoding: str, causality: str, tmp_path: Path
) -> None:
    """Decoding is asked of channel mixers too: no position may need the others."""
    check = find_tool("check_block")
    given = check.check({"block": name, "digest": "0" * 64})
    notes = check.function(given, Bench(0, {}, {}, tmp_path)).notes
    said = dict(note.split(": ", 1) for note in notes)
    assert (said["decoding"], said["causality"]) == (decoding, causality)
    assert {said[law] for law in ("shape", "values", "gradient", "reference")} == {"holds"}
