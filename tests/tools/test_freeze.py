"""What may be frozen, and what is refused."""

import json

import pytest
from pydantic import ValidationError

from sandbox.errors import PlanRefused
from sandbox.records import PlanLine, digest_of
from tests.tools.small_world import SmallSubject, ThreadExecutor, open_ledger, plan, shop
from tools.baselines import missing_baselines
from tools.conduct import conduct
from tools.experiment import Arm
from tools.freeze import check_frozen, freeze, frozen_plans, seeds_needed

SUBJECT = SmallSubject()
pytestmark = pytest.mark.usefixtures("small_tools")


def _changed(experiment, **test):
    return experiment.model_copy(update={"test": experiment.test.model_copy(update=test)})


def test_a_frozen_plan_is_a_file_whose_digest_the_ledger_holds(tmp_path):
    ledger, experiment = open_ledger(tmp_path), plan()
    freeze(experiment, SUBJECT, ledger, tmp_path)
    (line,) = ledger.lines(PlanLine)
    body = json.loads((tmp_path / line.file).read_text())
    assert line.file == f"plans/{experiment.id}.json"
    assert line.plan_digest == experiment.digest == digest_of(body)
    assert frozen_plans(ledger, tmp_path) == [experiment]


def test_freezing_the_same_plan_twice_changes_nothing(tmp_path):
    ledger = open_ledger(tmp_path)
    freeze(plan(), SUBJECT, ledger, tmp_path)
    head = ledger.head
    freeze(plan(), SUBJECT, ledger, tmp_path)
    assert ledger.head == head


def test_a_plan_that_was_changed_on_disk_is_neither_run_nor_frozen_again(tmp_path):
    ledger, experiment = open_ledger(tmp_path), plan()
    freeze(experiment, SUBJECT, ledger, tmp_path)
    file = tmp_path / f"plans/{experiment.id}.json"
    file.write_text(file.read_text().replace('"predicted_effect": 0.1', '"predicted_effect": 0.0'))
    for attempt in (
        lambda: check_frozen(experiment, ledger, tmp_path),
        lambda: freeze(experiment, SUBJECT, ledger, tmp_path),
        lambda: conduct([experiment], SUBJECT, shop(tmp_path, ledger, ThreadExecutor())),
    ):
        with pytest.raises(PlanRefused, match="changed after it was frozen"):
            attempt()


def test_nothing_is_conducted_before_its_plan_is_frozen(tmp_path):
    with pytest.raises(PlanRefused, match="not frozen"):
        conduct([plan()], SUBJECT, shop(tmp_path, open_ledger(tmp_path), ThreadExecutor()))


def _with_arm(experiment, **arm):
    extra = Arm(**{"name": "extra", "label": "extra", "tool": "evaluate", **arm})
    return experiment.model_copy(update={"arms": (*experiment.arms, extra)})


@pytest.mark.parametrize(
    ("experiment", "words"),
    [
        (_with_arm(plan(), tool="divine"), "unknown tool 'divine'"),
        (_with_arm(plan(), arguments={"rolle": "left"}), "evaluate: role: Field required"),
        (_with_arm(plan(), arguments={"role": "nobody"}), "unknown role 'nobody'"),
        (_with_arm(plan(), arguments={"role": "left"}), "'left' and 'extra' are the same call"),
        (_with_arm(plan(), name="left", arguments={"role": "start"}), "two arms are called 'left'"),
        (plan(control=("middle",)), "'middle' is not an arm"),
        (plan(seeds=(1, 2)), "2 paired seeds cannot give p below 0.25"),
        (plan(family_size=2), "use at least 4 seeds"),
        (plan(seeds=(1, 2, 2)), "a seed is listed twice"),
        (plan(seeds=tuple(range(21))), "seed 20 is not one of the 20 that small allows"),
        (plan(seeds=(1, 2, 21)), "seed 21 is not one of the 20"),
        (plan(hypothesis="h9"), "'h9', which is not in the ledger"),
        (plan(metric="beauty"), "metric 'beauty' is not measured"),
        (plan(metric="cpu_s", control=("left",)), "counted once per trial"),
        (plan(predicted_effect=-0.1), "below the null effect"),
        (plan(alpha=1.0), "alpha is 1.0"),
        (plan().model_copy(update={"subject": "large"}), "the plan is about 'large'"),
        (plan("evolved", "left", "right"), "lacks the uniform average, a task-arithmetic grid"),
        (plan("evolved", "left", control=("left",)), "lacks the model 'right'"),
    ],
)
def test_a_plan_that_cannot_decide_is_refused_with_one_sentence(tmp_path, experiment, words):
    ledger = open_ledger(tmp_path)
    head = ledger.head
    with pytest.raises(PlanRefused) as refusal:
        freeze(experiment, SUBJECT, ledger, tmp_path)
    assert words in str(refusal.value)
    assert refusal.value.fix
    assert "\n" not in str(refusal.value)
    assert ledger.head == head
    assert not list(tmp_path.glob("plans/*"))


def test_the_unknown_task_of_a_side_is_named(tmp_path):
    side = plan().test.control.model_copy(update={"tasks": ("dance",)})
    with pytest.raises(PlanRefused, match="unknown task 'dance'"):
        freeze(_changed(plan(), control=side), SUBJECT, open_ledger(tmp_path), tmp_path)


def test_an_arm_is_not_compared_with_itself_under_another_label(tmp_path):
    side = plan().test.treatment.model_copy(update={"label": "by another name"})
    with pytest.raises(PlanRefused, match="treatment and control are the same"):
        freeze(_changed(plan(), control=side), SUBJECT, open_ledger(tmp_path), tmp_path)


@pytest.mark.parametrize("field", ["null_effect", "predicted_effect", "alpha"])
def test_a_plan_has_no_number_that_is_none(field):
    with pytest.raises(ValidationError, match="finite number"):
        plan(**{field: float("nan")})


def test_the_best_of_several_treatments_would_be_chosen_on_the_test(tmp_path):
    side = plan().test.treatment.model_copy(update={"arms": ("evolved", "grid")})
    with pytest.raises(PlanRefused, match="best of several arms"):
        freeze(_changed(plan(), treatment=side), SUBJECT, open_ledger(tmp_path), tmp_path)


def test_baselines_of_another_budget_do_not_count():
    experiment = plan()
    dearer = experiment.arm("evolved").model_copy(update={"arguments": {"evaluations": 50}})
    arms = tuple(dearer if arm.name == "evolved" else arm for arm in experiment.arms)
    assert missing_baselines(experiment, SUBJECT) == []
    assert missing_baselines(experiment.model_copy(update={"arms": arms}), SUBJECT) == [
        "a task-arithmetic grid of the same budget",
        "a random search of the same budget",
    ]


def test_a_plan_that_claims_no_superiority_of_a_search_needs_no_baselines(tmp_path):
    for experiment in (
        plan("uniform", "left", treatment="uniform", control=("left",)),
        plan("evolved", "left", control=("left",), null_effect=-0.1),
    ):
        freeze(experiment, SUBJECT, open_ledger(tmp_path), tmp_path)


def _seen(tmp_path):
    ledger = open_ledger(tmp_path, "h1", "h2")
    first = plan("uniform", "left", treatment="uniform", control=("left",))
    freeze(first, SUBJECT, ledger, tmp_path)
    conduct([first], SUBJECT, shop(tmp_path, ledger, ThreadExecutor()))
    return ledger


def test_a_test_of_data_that_were_already_seen_is_refused(tmp_path):
    ledger = _seen(tmp_path)
    second = plan("uniform", "left", treatment="left", control=("uniform",), hypothesis="h2")
    with pytest.raises(PlanRefused, match="both sides were measured on seed 1"):
        freeze(second, SUBJECT, ledger, tmp_path)


def test_the_comparison_of_another_plan_is_refused_on_its_seeds(tmp_path):
    ledger = open_ledger(tmp_path, "h1", "h2")
    freeze(plan(), SUBJECT, ledger, tmp_path)
    with pytest.raises(PlanRefused, match="compares the same arms on the same seeds"):
        freeze(plan(hypothesis="h2"), SUBJECT, ledger, tmp_path)
    freeze(plan(hypothesis="h2", seeds=(4, 5, 6)), SUBJECT, ledger, tmp_path)


def test_fresh_seeds_or_a_new_arm_may_follow_on_seen_data(tmp_path):
    ledger = _seen(tmp_path)
    names = {"treatment": "left", "control": ("uniform",), "hypothesis": "h2"}
    freeze(plan("uniform", "left", seeds=(4, 5, 6), **names), SUBJECT, ledger, tmp_path)
    names["treatment"] = "right"
    freeze(plan("uniform", "left", "right", **names), SUBJECT, ledger, tmp_path)
    assert [line.round for line in ledger.lines(PlanLine)] == [0, 1, 1]


def test_an_arm_keeps_its_name_and_a_name_its_arm(tmp_path):
    ledger = _seen(tmp_path)
    base = plan("right", "uniform", treatment="right", control=("uniform",), hypothesis="h2")
    other = _with_arm(base, name="left", arguments={"role": "start"})
    with pytest.raises(PlanRefused, match="stands for another call"):
        freeze(other, SUBJECT, ledger, tmp_path)
    with pytest.raises(PlanRefused, match="'extra' is called 'left'"):
        freeze(_with_arm(base, arguments={"role": "left"}), SUBJECT, ledger, tmp_path)


@pytest.mark.parametrize(
    ("alpha", "family", "seeds"), [(0.05, 1, 5), (0.05, 8, 8), (0.05, 12, 8), (0.05, 13, 9)]
)
def test_seeds_needed_reaches_holms_first_step(alpha, family, seeds):
    assert seeds_needed(alpha, family, at_least=1) == seeds
    assert 0.5**seeds <= alpha / family < 0.5 ** (seeds - 1)


def test_a_plan_has_at_least_the_seeds_that_are_asked_for():
    assert seeds_needed(0.05, 1) == 8
