"""The training loop: seeded, budgeted, resumable, honest about divergence and plateaus."""

import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from sandbox.errors import BadInput, UnknownName
from tests.tools.architectures.small_recall import SIZE, TASK, TINY, attention
from tools.architectures.adapter import Adapter
from tools.architectures.architecture import Architecture
from tools.architectures.checkpoint import load, save
from tools.architectures.foreign import Foreign
from tools.architectures.new_backbone import new_backbone
from tools.architectures.objective import find_objective
from tools.architectures.optimizers import hidden_matrices, new_optimizers, share_of_peak
from tools.architectures.plateau import Plateau, Point, plateaus, stands_still
from tools.architectures.predict import Fit, fit, predict, predict_logits
from tools.architectures.sweep import sweep
from tools.architectures.train import Course, Trained, asked_cross_entropy, train
from tools.kept import Kept
from tools.tasks.sequence import NOT_ASKED, Batch

pytestmark = pytest.mark.slow

ALWAYS = 0.0
"""Seconds between two checkpoints, where each point of the curve is one."""
COURSE = Course(rate=5e-3, steps=30, batch=32, weight_decay=0.1, note_every=5)
DATA = TASK.data("train", 0, TINY)
DEV = TASK.data("dev", 0, TINY)


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def small(seed: int = 0) -> torch.nn.Module:
    return new_backbone(attention(16, layers=1), TINY.vocabulary, seed=seed)


def weights(trained: Trained) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in trained.model.named_parameters()}


def same(left: Trained, right: Trained) -> bool:
    a, b = weights(left), weights(right)
    return all(torch.equal(a[name], b[name]) for name in a)


def losses(trained: Trained) -> list[tuple[int, float]]:
    return [(point.step, point.loss) for point in trained.curve]


def test_the_same_seed_trains_the_same_model_and_another_seed_another():
    first = train(small(), DATA, COURSE, seed=1)
    torch.manual_seed(99)
    assert same(first, train(small(), DATA, COURSE, seed=1))
    assert not same(first, train(small(), DATA, COURSE, seed=2))
    assert first.steps == 30
    assert first.ended == "budget"
    assert [step for step, _ in losses(first)] == [5, 10, 15, 20, 25, 30]


def test_training_leaves_the_callers_random_numbers_alone():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    train(small(), DATA, replace(COURSE, steps=2), seed=1)
    assert torch.rand(1) == expected


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_killed_training_goes_on_bit_by_bit_from_its_last_checkpoint(optimizer, tmp_path: Path):
    course = replace(COURSE, optimizer=optimizer)
    whole = train(small(), DATA, course, seed=1, loss=_noisy)
    kept = Kept(tmp_path / "training.safetensors", ALWAYS)
    with pytest.raises(PowerCut):
        train(small(), DATA, course, seed=1, loss=_CutAt(24), kept=kept)
    steps = _CutAt(0)
    resumed = train(small(seed=5), DATA, course, seed=1, loss=steps, kept=kept)
    assert steps.calls == 10
    assert same(whole, resumed)
    assert losses(whole) == losses(resumed)
    assert [p.name for p in tmp_path.iterdir()] == ["training.safetensors"]


def test_a_finished_training_is_not_run_again(tmp_path: Path):
    kept = Kept(tmp_path / "training.safetensors", ALWAYS)
    done = train(small(), DATA, COURSE, seed=1, kept=kept)
    again = train(small(seed=5), DATA, COURSE, seed=1, loss=_CutAt(1), kept=kept)
    assert same(done, again)
    assert done.seconds == again.seconds


def test_the_checkpoint_of_another_training_is_refused(tmp_path: Path):
    kept = Kept(tmp_path / "training.safetensors", ALWAYS)
    train(small(), DATA, COURSE, seed=1, kept=kept)
    for course, seed in [(replace(COURSE, rate=1e-3), 1), (COURSE, 2)]:
        with pytest.raises(BadInput, match="another training"):
            train(small(), DATA, course, seed=seed, kept=kept)
    kept.path.write_bytes(b"nothing of the kind")
    with pytest.raises(BadInput, match="is no checkpoint"):
        train(small(), DATA, COURSE, seed=1, kept=kept)


def test_a_training_that_is_shorter_than_a_checkpoint_is_worth_is_not_kept(tmp_path: Path):
    train(small(), DATA, COURSE, seed=1, kept=Kept(tmp_path / "training.safetensors", 600.0))
    assert not list(tmp_path.iterdir())


def test_a_killed_sweep_goes_on_within_the_rate_that_it_was_at(tmp_path: Path, monkeypatch):
    rates, kept = (1e-3, 5e-3, 1e-2), Kept(tmp_path / "training.safetensors", ALWAYS)
    whole = sweep(small, rates, COURSE, DATA, DEV, seed=1, loss=_noisy)
    with pytest.raises(PowerCut):
        sweep(small, rates, COURSE, DATA, DEV, seed=1, loss=_CutAt(30 + 24), kept=kept)
    steps = _CutAt(0)
    resumed = sweep(small, rates, COURSE, DATA, DEV, seed=1, loss=steps, kept=kept)
    assert steps.calls == 10 + 30
    for before, after in zip(whole.attempts, resumed.attempts, strict=True):
        assert same(before.trained, after.trained)
        assert losses(before.trained) == losses(after.trained)
    assert len(list(tmp_path.iterdir())) == 3
    monkeypatch.setattr("tools.architectures.sweep.MOST_KEPT_BYTES", 1000)
    sweep(small, [2e-3], COURSE, DATA, DEV, seed=1, kept=kept)
    assert len(list(tmp_path.iterdir())) == 3, "what is too large is not kept"


class PowerCut(Exception):
    """The machine stops."""


def _noisy(model, tokens, targets, draw):
    """A loss that uses both generators of a training."""
    noise = torch.rand(1, generator=draw) + torch.rand(1)
    return asked_cross_entropy(model, tokens, targets, draw) * (1 + 0.1 * noise.squeeze())


class _CutAt:
    def __init__(self, call: int) -> None:
        self.call, self.calls = call, 0

    def __call__(self, model, tokens, targets, draw):
        self.calls += 1
        if self.calls == self.call:
            raise PowerCut
        return _noisy(model, tokens, targets, draw)


def test_a_training_that_diverges_ends_and_says_so():
    wild = train(small(), DATA, replace(COURSE, rate=1e4, warmup=0.0, steps=200), seed=0)
    assert wild.diverged
    assert wild.steps < 200

    def broken(model, tokens, targets, draw):
        return asked_cross_entropy(model, tokens, targets, draw) * math.nan

    nowhere = train(small(), DATA, COURSE, seed=0, loss=broken)
    assert nowhere.diverged
    assert (nowhere.steps, nowhere.loss) == (5, math.inf)
    found = fit(nowhere.model, DEV)
    assert found.cross_entropy == math.inf
    assert 0 <= found.accuracy < 0.5


def test_a_budget_of_seconds_is_kept():
    timed = train(small(), DATA, Course(rate=1e-3, seconds=0.3, batch=32), seed=0)
    assert timed.ended == "budget"
    assert 0.3 <= timed.seconds < 0.6
    assert timed.steps > 5


@pytest.mark.parametrize(
    "wrong", [{"steps": 0}, {"seconds": 1.0}, {"rate": 0.0}, {"batch": 0}, {"warmup": 2.0}]
)
def test_a_course_without_one_clear_budget_is_refused(wrong):
    with pytest.raises(BadInput):
        replace(COURSE, **wrong)


def test_auxiliary_losses_of_blocks_are_learned_too():
    class Leaning(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.lean = small(), torch.nn.Parameter(torch.ones(()))

        def forward(self, tokens):
            return self.inner(tokens)

        def auxiliary(self):
            return self.lean.square()

    trained = train(Leaning(), DATA, COURSE, seed=0)
    assert trained.model.lean < 1.0


def test_the_rate_rises_then_falls_to_its_floor():
    shares = [share_of_peak(step / 100, 0.1, "cosine") for step in range(1, 101)]
    assert shares[:10] == pytest.approx([k / 10 for k in range(1, 11)])
    assert all(a > b for a, b in pairwise(shares[10:]))
    assert shares[-1] == pytest.approx(0.05)
    assert share_of_peak(0.55, 0.1, "linear") == pytest.approx(0.525)
    with pytest.raises(UnknownName, match="cosine, linear"):
        share_of_peak(0.5, 0.1, "steps")


def test_muon_takes_the_hidden_matrices_and_adamw_the_rest():
    model = new_backbone(attention(16, layers=2, tied=True), 16)
    muon, adamw = new_optimizers("muon", model, 1e-3, 0.1)
    names = {id(p): name for name, p in model.named_parameters()}
    hidden = {names[id(p)] for p in muon.param_groups[0]["params"]}
    assert len(hidden) == 8
    assert all(name.rsplit(".", 2)[-2] in {"query", "key", "value", "out"} for name in hidden)
    rest = [id(p) for group in adamw.param_groups for p in group["params"]]
    assert len(hidden) + len(rest) == len(names)
    for group in adamw.param_groups:
        plain = all(p.ndim < 2 for p in group["params"])
        assert group["weight_decay"] == (0.0 if plain else 0.1)
    assert not hidden_matrices(torch.nn.Embedding(3, 4))
    with pytest.raises(UnknownName, match="adamw, muon"):
        new_optimizers("sgdd", model, 1e-3, 0.0)


@pytest.mark.parametrize("objective", ["multi_token", "latent_prediction", "next_token"])
def test_muon_takes_no_head_however_deep_it_lies(objective):
    model = find_objective(objective).make().model(attention(16, 1, convolution=0), 16)
    names = {id(p): name for name, p in model.named_parameters()}
    hidden = {names[id(p)] for p in hidden_matrices(model)}
    assert hidden
    assert not any("head" in name or "embedding" in name for name in hidden)


def test_muon_takes_no_head_of_a_model_of_transformers():
    model = Adapter(Foreign(family="llama", width=16, heads=2, depth=1), 16)
    hidden = {id(p) for p in hidden_matrices(model)}
    assert len(hidden) == 7
    assert not hidden & {id(model.head.weight), id(model.embedding.weight)}


@pytest.mark.parametrize("block", ["rwkv", "differential_attention"])
def test_weight_decay_spares_gains_and_biases_whatever_their_shape(block):
    layer = {"mixer": {"block": block}}
    body = {"width": 16, "layers": [layer], "residual": "hyper"}
    model = new_backbone(Architecture.model_validate(body), 16)
    (adamw,) = new_optimizers("adamw", model, 1e-3, 0.1)
    names = {id(p): name for name, p in model.named_parameters()}
    decayed, spared = (
        {names[id(p)] for p in group["params"]}
        for group in sorted(adamw.param_groups, key=lambda group: -group["weight_decay"])
    )
    assert len(decayed) + len(spared) == len(names)
    assert all(name.endswith("weight") for name in decayed)
    kept = {name.rpartition(".")[2] for name in spared}
    assert {"mixes", "gain"} <= kept
    assert kept & {"lambdas", "blend"}


def curve(*points: tuple[int, float]) -> list[Point]:
    return [Point(step, loss, 0.0) for step, loss in points]


def test_a_plateau_is_a_stretch_without_progress_and_a_jump_ends_it():
    flat = curve((10, 4.0), (20, 3.0), (30, 2.99), (40, 3.2), (50, 2.98))
    assert plateaus(flat, 30) == [Plateau(20, 50, 3.0)]
    assert stands_still(flat, 30)
    assert not stands_still(flat, 40)
    jumped = [*flat, *curve((60, 1.0), (70, 0.5))]
    assert plateaus(jumped, 30) == [Plateau(20, 60, 3.0)]
    assert not stands_still(jumped, 30)
    assert not stands_still(jumped[:-1], 30), "the jump itself is progress"
    slow = curve(*((10 * k, 3.0 - 0.03 * k) for k in range(20)))
    assert plateaus(slow, 40) == []


def test_a_plateau_stops_a_training_only_after_its_least_steps():
    def stuck(model, tokens, targets, draw):
        return sum(p.sum() for p in model.parameters()) * 0.0 + 2.0

    course = replace(COURSE, steps=100, patience=20)
    assert train(small(), DATA, course, 0, loss=stuck).steps == 25
    patient = train(small(), DATA, replace(course, least_steps=60), 0, loss=stuck)
    assert (patient.steps, patient.ended) == (60, "plateau")
    assert patient.plateaus == (Plateau(5, 60, 2.0),)


def test_a_jump_that_ends_a_plateau_lets_the_training_go_on():
    class Jumping:
        def __init__(self) -> None:
            self.calls = 0

        def __call__(self, model, tokens, targets, draw):
            self.calls += 1
            nothing = sum(p.sum() for p in model.parameters()) * 0.0
            return nothing + (2.0 if self.calls <= 25 else 0.1)

    course = replace(COURSE, steps=40, patience=25)
    jumped = train(small(), DATA, course, 0, loss=Jumping())
    assert (jumped.steps, jumped.ended) == (40, "budget")


def test_predictions_are_at_asked_positions_only_and_agree_with_the_fit():
    model = small()
    said = predict(model, DEV)
    asked = DEV.targets != NOT_ASKED
    assert (said[~asked] == NOT_ASKED).all()
    blind = Batch(DEV.tokens, np.where(asked, 0, NOT_ASKED))
    assert (predict(model, blind) == said).all()
    assert fit(model, DEV).accuracy == pytest.approx((said[asked] == DEV.targets[asked]).mean())
    logits = predict_logits(model, DEV)
    assert [len(row) for row in logits] == asked.sum(1).tolist()
    assert (np.concatenate(logits).argmax(1) == said[asked]).all()
    assert Fit(0.5, 1.0).beats(Fit(0.5, 2.0))
    assert Fit(0.6, 3.0).beats(Fit(0.5, 2.0))
    assert Fit(0.5, 2.0, in_bits=True).beats(Fit(0.6, 3.0, in_bits=True))


def test_a_sweep_tries_every_rate_alike_and_keeps_the_best_on_dev():
    rates = (1e-4, 5e-3, 1e4)
    found = sweep(small, rates, COURSE, DATA, DEV, seed=1)
    assert tuple(attempt.rate for attempt in found.attempts) == rates
    assert [attempt.trained.diverged for attempt in found.attempts] == [False, False, True]
    best = found.best
    assert not any(other.beats(best) for other in found.attempts)
    assert best.rate == 5e-3
    assert same(best.trained, train(small(), DATA, COURSE, seed=1))
    for few in [(1e-3, 2e-3), (), (1e-3, 1e-3, 1e-2), (-1e-3,)]:
        with pytest.raises(BadInput):
            sweep(small, few, COURSE, DATA, DEV, seed=1)


@pytest.mark.parametrize("tied", [False, True])
def test_a_saved_architecture_opens_as_it_was(tmp_path: Path, tied: bool):
    model = new_backbone(attention(16, layers=1, tied=tied), 16, seed=3)
    save(model, tmp_path / "model")
    assert {p.name for p in (tmp_path / "model").iterdir()} == {
        "architecture.json",
        "model.safetensors",
    }
    again = load(tmp_path / "model")
    tokens = torch.from_numpy(DEV.tokens)
    assert torch.equal(model(tokens), again(tokens))
    assert again.architecture == model.architecture


def test_a_broken_checkpoint_is_one_sentence(tmp_path: Path):
    with pytest.raises(BadInput, match=r"holds no whole architecture.json"):
        load(tmp_path)
    save(small(), tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"12345678")
    with pytest.raises(BadInput, match="does not fit"):
        load(tmp_path)


@pytest.mark.slow
def test_attention_with_a_convolution_learns_recall_in_seconds():
    model = new_backbone(attention(32), SIZE.vocabulary)
    trained = train(model, TASK.data("train", 0, SIZE), Course(rate=5e-3, steps=300), 0)
    assert fit(trained.model, TASK.data("dev", 0, SIZE)).accuracy > 0.9
