"""The tools that compare speeds and that make weights smaller, as trials run them."""

import numpy as np
import pytest
import torch

from agent.minds.playbook.family import Setting, find_family
from sandbox.backend import find_backend
from sandbox.errors import BadInput, PlanRefused
from sandbox.executors.local import LocalExecutor
from sandbox.records import EvidenceLine, TrialLine
from tests.tools.architectures.test_train_architecture import size_of, view_of
from tests.tools.small_world import open_ledger, shop
from tools.actions.compare_speed import CompareSpeedArguments, compare_speed
from tools.actions.compress_architecture import (
    CompressArchitectureArguments,
    compress_architecture,
)
from tools.actions.train_architecture import train_architecture
from tools.architectures.subject import ArchitectureSuite
from tools.architectures.training_arguments import TrainArchitectureArguments
from tools.bench import Bench
from tools.compare import compare, rule
from tools.conduct import conduct
from tools.experiment import Experiment, PairedTest
from tools.freeze import METRICS, freeze
from tools.measures import MEASURES, wrong_measure
from tools.tasks.asked import batch_of
from tools.tool import find_tool

SMALL = {"train": 64, "dev": 8, "test": 32}
LAYER = {"mixer": {"block": "softmax_attention"}, "channel": {"block": "glu"}}
BODY = {"width": 16, "layers": [LAYER]}
CALL = {
    "architecture": BODY, "baseline": BODY, "task": "text", "changes": SMALL, "rates": [1e-2],
    "steps": 5, "batch": 8, "context": 16, "timed": 8, "repeats": 3,
}  # fmt: skip


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def bench(tmp_path, task="text", changes=SMALL):
    return Bench(seed=1, models={}, tasks={task: view_of(task, changes, 1)}, work=tmp_path)


def ran(tmp_path, **changes):
    return compare_speed(CompareSpeedArguments.model_validate(CALL | changes), bench(tmp_path))


@pytest.mark.slow
def test_a_baseline_beside_itself_is_trained_once_and_about_as_fast(tmp_path):
    result = ran(tmp_path)
    found = result.measures
    assert found["text_bits"] == found["baseline_text_bits"]
    assert found["judged_bits"] == found["baseline_judged_bits"]
    assert 0.3 < found["decode_ratio_batch_1"] < 3
    assert found["speedup_batch_16"] in (0.0, found["decode_ratio_batch_16"])
    assert found["quality_matched"] or any("no speed-up" in note for note in result.notes)
    assert not {name for name, value in found.items() if wrong_measure(name, value)}
    assert len(result.predictions["text"]["test"]) == SMALL["test"]


@pytest.mark.slow
def test_worse_text_has_a_speed_up_of_nothing_and_a_note_that_says_why(tmp_path):
    filling = {"name": "block_diffusion", "parameters": {"size": 8}}
    changes = SMALL | {"train": 800}
    result = ran(tmp_path, changes=changes, objective=filling, per_pass=8, steps=150, batch=16)
    found = result.measures
    assert found["decode_ratio_batch_1"] > 1
    assert found["speedup_batch_1"] == found["speedup_batch_16"] == found["quality_matched"] == 0
    assert any(note.startswith("no speed-up is claimed: ") for note in result.notes)
    assert result.predictions == {}


@pytest.mark.slow
def test_a_smaller_form_of_the_contender_is_what_is_timed(tmp_path):
    found = ran(tmp_path, form="int8").measures
    assert found["text_bits"] == pytest.approx(found["baseline_text_bits"], abs=0.05)
    assert found["text_bits"] != found["baseline_text_bits"]


def test_raw_speeds_are_measured_and_never_tested():
    raw = {name for name in MEASURES if name.startswith(("decode_", "prefill_", "baseline_"))}
    assert len(raw) >= 6
    assert not raw & set(METRICS)
    assert METRICS["speedup_batch_1"] == METRICS["speedup_batch_16"] == "higher"


def test_speed_is_compared_on_texts_by_built_in_code_alone(tmp_path):
    with pytest.raises(ValueError, match="would time it"):
        CompareSpeedArguments.model_validate(CALL | {"own_blocks": {"mine": "0" * 64}})
    arguments = CompareSpeedArguments.model_validate(CALL | {"task": "parity", "changes": {}})
    with pytest.raises(BadInput, match="no text"):
        compare_speed(arguments, bench(tmp_path, "parity", {}))
    with pytest.raises((BadInput, PlanRefused), match="per_pass"):
        find_tool("compare_speed").check(CALL | {"per_pass": 0})


def test_the_cost_of_a_control_is_that_of_one_training():
    alike = CompareSpeedArguments.model_validate(CALL)
    other = CompareSpeedArguments.model_validate(
        CALL | {"objective": {"name": "masked_diffusion", "parameters": {}}}
    )
    assert alike.alike and not other.alike
    assert 0 < alike.cost_s() < other.cost_s()


@pytest.mark.slow
@pytest.mark.parametrize("form", ["int8", "pruned"])
def test_the_compressed_model_answers_in_place_of_the_whole_one(tmp_path, form):
    changes = {"length": 16, "vocabulary": 16, "pairs": 2, "train": 256, "dev": 16, "test": 24}
    call = {
        "architecture": {"width": 32, "layers": [LAYER]}, "task": "mqar", "changes": changes,
        "rates": [5e-3], "steps": 30, "batch": 32,
    }  # fmt: skip
    inside = bench(tmp_path, "mqar", changes)
    whole = train_architecture(TrainArchitectureArguments.model_validate(call), inside)
    small = compress_architecture(
        CompressArchitectureArguments.model_validate(call | {"form": form}), inside
    )
    assert small.measures["weight_bytes"] < 0.8 * whole.measures["weight_bytes"]
    assert small.measures["parameters"] == whole.measures["parameters"]
    assert "of the bytes saved" in small.notes[0]
    dev = batch_of(inside.tasks["mqar"].dev)
    assert len(small.predictions["mqar"]["dev"]) == len(dev)
    said = [np.array(r.predictions["mqar"]["test"]) for r in (whole, small)]
    assert form == "pruned" or (said[0] == said[1]).mean() > 0.8
    assert size_of("mqar", changes).test == len(said[1])


@pytest.mark.slow
def test_trials_about_speed_become_evidence_and_decide_a_hypothesis(tmp_path):
    subject = ArchitectureSuite("quick", ("mqar", "text"))
    idea = find_family("block_diffusion_speed").think(Setting(subject, 0))
    less = {"changes": {"train": 64, "dev": 8}, "rates": [1e-2], "steps": 3, "context": 16}
    less |= {"timed": 8, "repeats": 3}
    arms = tuple(
        arm.model_copy(update={"arguments": {**arm.arguments, **less}}) for arm in idea.arms
    )
    treatment, control = idea.sides(subject.primary)
    test = PairedTest(
        metric=idea.metric, treatment=treatment, control=control, alpha=0.4, family_size=1,
        predicted_effect=idea.predicted_effect,
    )  # fmt: skip
    plan = Experiment(hypothesis="h1", subject=subject.name, arms=arms, seeds=(0, 1), test=test)
    ledger = open_ledger(tmp_path)
    freeze(plan, subject, ledger, tmp_path)
    with LocalExecutor(find_backend("process"), 1) as executor:
        conduct([plan], subject, shop(tmp_path, ledger, executor))
    assert {line.status for line in ledger.lines(TrialLine)} == {"ok"}
    line = compare(plan, ledger)
    assert line.metric == "speedup_batch_1" and line.pairs == 2
    found = {(e.arm, e.metric): e for e in ledger.lines(EvidenceLine)}
    assert found["block-diffusion-writing", "decode_ratio_batch_1"].value > 1
    assert line.treatment_mean == 0.0, "three steps teach no text, so no speed may be claimed"
    assert rule([line], [plan])[0].ruling == "refuted"
