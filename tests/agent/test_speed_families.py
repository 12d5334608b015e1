"""Families about speed: asked where there is a text, in the unit of speeds, against a repeat."""

import pytest
import torch

from agent.minds.playbook.architectures import arms
from agent.minds.playbook.architectures.speed_arms import RECIPES, TEXT
from agent.minds.playbook.family import Setting, find_family
from agent.minds.playbook.relations import FOLLOW_UPS
from sandbox.errors import PlanRefused
from sandbox.ledger import Ledger
from tests.agent.family_checks import check_names, check_prose, designed, frozen, line_of
from tools.actions.compare_speed import CompareSpeedArguments
from tools.architectures.matching import Ruler
from tools.architectures.subject import ArchitectureSuite
from tools.freeze import freeze
from tools.measures import MEASURES
from tools.tasks.sequence import find_sequence_task
from tools.tool import find_tool

FAMILIES = (
    "block_diffusion_speed",
    "masked_diffusion_speed",
    "recurrent_decoding",
    "windowed_decoding",
)
SUBJECT = ArchitectureSuite("quick", ("mqar", TEXT))
SETTING = Setting(SUBJECT, 40)


def line(name):
    return line_of(find_family(name).think(SETTING), name)


def design(name):
    [plan] = designed([line(name)], SUBJECT)
    return plan


@pytest.mark.parametrize("name", FAMILIES)
def test_a_plan_about_speed_carries_its_metric_and_can_be_frozen(name, tmp_path):
    _, [plan] = frozen([line(name)], SUBJECT, tmp_path)
    assert plan.test.metric.startswith("speedup_batch_")
    assert {side.split for side in (plan.test.treatment, plan.test.control)} == {"dev"}
    assert plan.test.treatment.tasks == plan.test.control.tasks == ("mqar",)
    assert {arm.tool for arm in plan.arms} == {"compare_speed"}


@pytest.mark.parametrize("name", FAMILIES)
def test_the_control_is_the_baseline_of_the_treatment_beside_itself(name):
    calls = {arm.role: find_tool(arm.tool).normal(arm.arguments) for arm in design(name).arms}
    treatment, control = calls["treatment"], calls["control"]
    assert control["architecture"] == control["baseline"] == treatment["baseline"]
    assert CompareSpeedArguments.model_validate(control).alike
    assert not CompareSpeedArguments.model_validate(treatment).alike
    shared = ("task", "size", "rates", "steps", "batch", "context", "timed", "repeats")
    assert all(treatment[field] == control[field] for field in shared)
    assert len(treatment["rates"]) >= 3


@pytest.mark.parametrize("name", FAMILIES)
def test_without_a_text_nothing_about_speed_is_asked(name):
    assert find_family(name).think(Setting(ArchitectureSuite("quick"), 40)) is None


@pytest.mark.parametrize("name", FAMILIES)
def test_the_prose_about_speed_has_no_numbers_and_tells_its_prediction_in_times(name):
    found = find_family(name).think(SETTING)
    check_prose(found)
    assert f">= {found.predicted_effect:.2f} times" in found.prediction
    assert f"{found.predicted_effect:.2f}" in found.refuted_by


@pytest.mark.parametrize("name", FAMILIES)
def test_a_question_about_speed_is_followed_by_nothing_but_its_replication(name):
    idea = find_family(name).think(SETTING)
    made = {r for r, follow in FOLLOW_UPS["architectures"].items() if follow(idea, SETTING)}
    assert made == {"replicate"}


def test_a_question_about_accuracy_is_not_moved_to_a_task_in_bits():
    idea = find_family("int8_weights").think(SETTING)
    assert FOLLOW_UPS["architectures"]["generalise"](idea, SETTING) is None


@pytest.mark.slow
@pytest.mark.parametrize("size", ["quick", "standard", "long"])
def test_the_recurrence_and_its_baseline_have_equally_many_parameters(size):
    at = Setting(ArchitectureSuite(size, ("mqar", TEXT)), 40)
    [arm] = find_family("recurrent_decoding").think(at).treatment
    call = CompareSpeedArguments.model_validate(arm.arguments)
    drawn = find_sequence_task(TEXT).sizes[call.size]
    ruler = Ruler("parameters", drawn.vocabulary, drawn.length, drawn.classes)
    with torch.device("meta"):
        counts = sorted(ruler.measure(body) for body in (call.architecture, call.baseline))
    assert counts[1] <= 1.05 * counts[0]
    assert call.context == RECIPES[arms.size_of(at)].context > drawn.length


def test_raw_speeds_cannot_be_the_metric_of_a_plan(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append(line("recurrent_decoding"))
    plan = design("recurrent_decoding")
    raw = plan.test.model_copy(update={"metric": "decode_ratio_batch_16"})
    with pytest.raises(PlanRefused, match="decode_ratio_batch_16"):
        freeze(plan.model_copy(update={"test": raw}), SUBJECT, ledger, tmp_path)
    assert not MEASURES["decode_ratio_batch_16"].tested


def test_an_arm_about_speed_has_one_name_and_one_call():
    check_names(arm for name in FAMILIES for arm in design(name).arms)
