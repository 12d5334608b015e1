"""Depth up-scaling: the layer map, the weights, and compute that equals training from scratch."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from sandbox.errors import BadInput
from tests.tools.architectures.small_recall import TASK, TINY, attention
from tools import worker
from tools.architectures.architecture import Architecture
from tools.architectures.checkpoint import load, save
from tools.architectures.counts import flops_per_token, parameters
from tools.architectures.growth import Plan, deepened, grow
from tools.architectures.last_readout import LastReadout
from tools.architectures.layer_order import copied, with_layers
from tools.architectures.new_backbone import new_backbone
from tools.architectures.train import Course, asked_cross_entropy
from tools.architectures.upscale import Upscaling, split_budget, upscaled, upscaled_folder
from tools.tasks.asked import items_of
from tools.tasks.sequence import find_sequence_task
from tools.tasks.task import Question, TaskView
from tools.tasks.variation import varied
from tools.tool import find_tool
from tools.trial import TrialResult

pytestmark = pytest.mark.slow

torch.set_num_threads(1)
TOKENS = torch.arange(16).view(2, 8)
MIXED = ("softmax_attention", "linear_attention", "short_convolution")


def hybrid(**more) -> Architecture:
    """Three layers that differ."""
    layers = [{"mixer": {"block": name}} for name in MIXED]
    return Architecture.model_validate({"width": 16, "layers": layers, **more})


def test_solar_makes_48_layers_of_32():
    order = Upscaling("seam", dropped=8).order(32)
    assert order == (*range(24), *range(8, 32))


def test_stacking_and_repeating_state_their_maps():
    assert Upscaling("stack", copies=3).order(2) == (0, 1, 0, 1, 0, 1)
    assert Upscaling("repeat", copies=2).order(3) == (0, 0, 1, 1, 2, 2)


@pytest.mark.parametrize(
    ("upscaling", "depth"),
    [
        (Upscaling("seam", dropped=1), 2),
        (Upscaling("seam", dropped=5), 4),
        (Upscaling("stack", copies=1), 2),
    ],
)
def test_what_makes_nothing_deeper_is_refused(upscaling, depth):
    with pytest.raises(BadInput) as refused:
        upscaling.order(depth)
    assert refused.value.fix


@pytest.mark.parametrize(
    "more", [{}, {"tied": True}, {"residual": "hyper"}, {"position": "learned"}]
)
def test_every_layer_is_a_copy_of_the_one_that_the_map_names(more):
    model = new_backbone(hybrid(**more), 16)
    upscaling = Upscaling("seam", dropped=1)
    deep = upscaled(model, upscaling)
    assert [layer.mixer.block for layer in deep.architecture.layers] == [
        MIXED[number] for number in upscaling.order(3)
    ]
    for place, number in enumerate(upscaling.order(3)):
        pairs = zip(deep.layers[place].parameters(), model.layers[number].parameters(), strict=True)
        assert all(torch.equal(a, b) and a is not b for a, b in pairs)
    assert torch.equal(deep.head.weight, model.head.weight)
    assert deep(TOKENS).shape == model(TOKENS).shape
    grew = parameters(deep) - parameters(model)
    assert grew == sum(p.numel() for p in model.layers[1].parameters())


def test_a_copy_says_the_same_and_shares_nothing():
    model = new_backbone(hybrid(), 16)
    other = copied(model)
    assert torch.equal(other(TOKENS), model(TOKENS))
    with torch.no_grad():
        other.head.weight.zero_()
    assert model(TOKENS).abs().max() > 0


def test_layers_that_are_not_there_are_refused():
    for order in ([], [0, 3], [-1]):
        with pytest.raises(BadInput):
            with_layers(new_backbone(hybrid(), 16), order)


def test_a_trained_folder_becomes_a_deeper_one(tmp_path: Path):
    model = new_backbone(hybrid(), 16)
    save(model, tmp_path / "shallow")
    upscaling = Upscaling("stack", copies=2)
    order = upscaled_folder(tmp_path / "shallow", tmp_path / "deep", upscaling)
    assert order == (0, 1, 2, 0, 1, 2)
    deep = load(tmp_path / "deep")
    assert torch.equal(deep(TOKENS), upscaled(model, upscaling)(TOKENS))


def test_a_budget_is_spent_to_half_a_step():
    split = split_budget(1000, 0.4, 3.0, 7.0)
    assert split.shallow_steps == round(0.4 * 7000 / 3)
    assert abs(split.flops - split.budget) <= 3.5
    with pytest.raises(BadInput, match="for the deep"):
        split_budget(1, 0.9, 1.0, 2.0)


def test_growing_spends_what_the_deep_model_would_have_cost():
    data = TASK.data("train", 0, TINY)
    shallow = new_backbone(attention(16, 2), 16)
    upscaling = Upscaling("stack", copies=2)
    tokens = 32 * TINY.length
    plan = Plan.of(shallow, upscaling, steps=20, share=0.5, tokens=tokens, length=TINY.length)
    course = Course(3e-3, steps=1, batch=32)
    grown = grow(shallow, plan, data, course, 0, asked_cross_entropy)
    deep = flops_per_token(grown.deep.model, TINY.length, backward=True) * tokens
    assert grown.flops == pytest.approx(20 * deep, abs=deep / 2)
    assert grown.flops == plan.split.flops
    assert grown.shallow.steps > 10 > grown.deep.steps - 1
    assert len(grown.deep.model.layers) == 4  # type: ignore[arg-type]


def test_a_readout_keeps_its_weights_and_other_models_are_refused():
    model = LastReadout(new_backbone(hybrid(), 16))
    deep = deepened(model, Upscaling("stack"))
    assert torch.equal(deep.hidden.weight, model.hidden.weight)  # type: ignore[arg-type]
    assert deep(TOKENS).shape == model(TOKENS).shape
    with pytest.raises(BadInput, match="Linear has layers of its own"):
        deepened(torch.nn.Linear(2, 2), Upscaling("stack"))


SMALL = {"length": 16, "vocabulary": 16, "pairs": 2, "train": 256, "dev": 16, "test": 24}
TRAINING = {"task": "mqar", "changes": SMALL, "rates": [5e-3], "steps": 20, "batch": 32}


def trial(root: Path, tool: str, **arguments: object) -> TrialResult:
    """The tool as a trial runs it."""
    folder, work = root / "inputs", root / "work"
    (folder / "tasks").mkdir(parents=True)
    work.mkdir()
    task = find_sequence_task("mqar")
    size = varied(task.sizes["quick"], SMALL)
    dev, test = (items_of(task.data(part, 1, size)) for part in ("dev", "test"))
    view = TaskView("mqar", "exact_match", dev, tuple(Question(item.prompt) for item in test))
    (folder / "tasks" / "mqar.json").write_text(json.dumps(asdict(view)))
    call = {"tool": tool, "arguments": {**TRAINING, **arguments}, "seed": 1, "tasks": ["mqar"]}
    (folder / "call.json").write_text(json.dumps(call))
    worker.main(folder, work)
    return TrialResult.model_validate_json((work / "result.json").read_bytes())


def test_up_scaling_and_training_from_scratch_report_equal_operations(tmp_path: Path):
    shallow = attention(16, layers=2)
    upscaling = Upscaling("seam", dropped=0)
    deep = upscaling.architecture(shallow)
    grown = trial(
        tmp_path / "grown", "upscale_architecture", architecture=shallow.model_dump(mode="json")
    )
    scratch = trial(
        tmp_path / "scratch", "train_architecture", architecture=deep.model_dump(mode="json")
    )
    assert grown.measures["parameters"] == scratch.measures["parameters"]
    half_a_step = scratch.measures["training_flops"] / 20 / 2
    assert grown.measures["training_flops"] == pytest.approx(
        scratch.measures["training_flops"], abs=half_a_step
    )
    assert grown.measures["training_steps"] == grown.steps > 20
    assert grown.measures["training_tokens"] == grown.steps * 32 * 16
    assert grown.notes[0] == "layers 1 2 1 2"
    assert "operations" in grown.notes[1]
    assert len(grown.predictions["mqar"]["test"]) == 24


def test_the_tool_of_up_scaling_is_declared():
    tool = find_tool("upscale_architecture")
    call = {"architecture": attention(16).model_dump(mode="json"), "task": "mqar"}
    assert tool.normal(call)["share"] == 0.4
    assert tool.cost_s(call) > 0
    with pytest.raises(BadInput, match="share"):
        tool.check(call | {"share": 1.0})
