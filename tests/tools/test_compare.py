"""Exact tests, intervals and rulings, against values worked out by hand and laws."""

import itertools
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from sandbox.errors import NothingToCompare
from sandbox.records import EvidenceLine, TrialLine
from tests.tools.small_world import SmallSubject, ThreadExecutor, open_ledger, plan, shop
from tools.compare import compare, compare_all, holm, interval, rule, sign_flip
from tools.conduct import conduct
from tools.freeze import freeze
from tools.tool import find_tool

DIFFERENCES = st.lists(st.integers(-1000, 1000).map(lambda n: n / 1000), min_size=1, max_size=9)
P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)
pytestmark = pytest.mark.usefixtures("small_tools")


def _enumerated(differences):
    """The sign-flip p by writing out all signs, in whole thousandths."""
    whole = [round(1000 * d) for d in differences]
    signs = list(itertools.product((1, -1), repeat=len(whole)))
    at_least = sum(
        sum(s * d for s, d in zip(row, whole, strict=True)) >= sum(whole) for row in signs
    )
    return at_least / len(signs)


@settings(max_examples=40, deadline=None)
@given(DIFFERENCES)
def test_the_sign_flip_test_agrees_with_writing_out_all_signs(differences):
    assert sign_flip(differences, 0.0, "greater") == pytest.approx(_enumerated(differences))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-300, 60), min_size=8, max_size=8))
def test_sums_of_fractions_tie_in_spite_of_float_noise(counts):
    exact = [Fraction(count, 5120) - Fraction(1, 20) for count in counts]
    signs = itertools.product((1, -1), repeat=len(exact))
    sums = [sum(s * d for s, d in zip(row, exact, strict=True)) for row in signs]
    below = sum(found <= sum(exact) for found in sums) / len(sums)
    assert sign_flip([count / 5120 for count in counts], 0.05, "less") == pytest.approx(below)


@settings(max_examples=40, deadline=None)
@given(DIFFERENCES)
def test_p_is_never_below_two_to_the_minus_pairs(differences):
    for side in ("greater", "less"):
        assert 0.5 ** len(differences) <= sign_flip(differences, 0.0, side) <= 1


@settings(max_examples=40, deadline=None)
@given(DIFFERENCES)
def test_swapping_treatment_and_control_swaps_the_two_tests(differences):
    mirrored = [-d for d in differences]
    assert sign_flip(differences, 0.0, "greater") == sign_flip(mirrored, 0.0, "less")


@settings(max_examples=30, deadline=None)
@given(DIFFERENCES)
def test_the_interval_contains_no_value_beyond_the_extremes(differences):
    low, high = interval(differences)
    assert min(differences) - 1e-9 <= low <= high <= max(differences) + 1e-9
    assert (low, high) == interval(differences)


def test_known_p_values():
    assert sign_flip([0.1] * 8, 0.0, "greater") == 1 / 256
    assert sign_flip([0.1] * 8, 0.1, "less") == 1.0
    assert sign_flip([0.1] * 8, 0.2, "less") == 1 / 256
    assert sign_flip([1, 2, 3, -1], 0.0, "greater") == 3 / 16
    assert sign_flip([0.0, 0.0], 0.0, "greater") == 1.0
    assert sign_flip([0.3], 0.0, "greater") == 0.5


def test_more_pairs_than_can_be_enumerated_still_give_a_p():
    assert sign_flip([0.1] * 22, 0.0, "greater") < 1e-5


def test_equal_differences_have_an_interval_without_width():
    assert interval([0.25, 0.25, 0.25]) == (0.25, 0.25)
    assert interval([0.1]) == (0.1, 0.1)


def test_holm_gives_the_values_worked_out_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([1 / 256, 0.5], family_size=8) == pytest.approx([8 / 256, 1.0])
    assert holm([]) == []


@given(P_VALUES, st.integers(0, 20))
def test_holm_keeps_the_order_and_never_lowers_a_p(p_values, more):
    adjusted = holm(p_values, len(p_values) + more)
    assert all(a >= p for a, p in zip(adjusted, p_values, strict=True))
    assert max(adjusted) <= 1
    for (p, a), (q, b) in itertools.combinations(zip(p_values, adjusted, strict=True), 2):
        assert (a <= b) if p <= q else (a >= b)


@given(P_VALUES)
def test_a_larger_family_never_makes_a_test_easier(p_values):
    small, large = holm(p_values), holm(p_values, len(p_values) + 3)
    assert all(a <= b for a, b in zip(small, large, strict=True))


def _measure(ledger, experiment, arm, seed, value, task="next"):
    """Write a trial and one accuracy of it, as conduct would."""
    chosen = experiment.arm(arm)
    facts = {"arm": arm, "seed": seed, "code_digest": "c", "data_digest": "d"}
    trial = TrialLine(
        id=f"{arm}-{seed}",
        tool=chosen.tool,
        arguments=find_tool(chosen.tool).normal(chosen.arguments),
        status="ok",
        wall_s=1,
        cpu_s=1,
        memory_peak_bytes=1,
        isolation="none",
        **facts,
    )
    ledger.append(trial)
    ledger.append(
        EvidenceLine(
            id=f"{arm}-{seed}-{task}",
            metric="accuracy",
            task=task,
            split="test",
            value=value,
            unit="fraction",
            items=100,
            trial=trial.id,
            **facts,
        )
    )


def _measured(tmp_path, treatment, left, right, experiment=None):
    ledger = open_ledger(tmp_path)
    experiment = experiment or plan(seeds=tuple(range(1, 1 + len(treatment))))
    for seed, values in enumerate(zip(treatment, left, right, strict=True), start=1):
        for arm, value in zip(("evolved", "left", "right"), values, strict=True):
            if value is not None:
                _measure(ledger, experiment, arm, seed, value)
    return experiment, ledger


def test_each_seed_is_compared_with_its_own_best_control(tmp_path):
    experiment, ledger = _measured(tmp_path, [0.9, 0.8, 0.7], [0.5, 0.2, 0.3], [0.1, 0.6, 0.4])
    line = compare(experiment, ledger)
    assert line.differences == pytest.approx([0.4, 0.2, 0.3])
    assert line.effect == pytest.approx(0.3)
    assert (line.treatment_mean, line.control_mean) == pytest.approx((0.8, 0.5))
    assert line.p_support == 1 / 8
    assert line.low <= line.effect <= line.high
    assert line.evidence == (
        *("evolved-1-next", "evolved-2-next", "evolved-3-next"),
        *("left-1-next", "right-2-next", "right-3-next"),
    )
    assert line == compare(experiment, ledger)


def test_a_seed_without_both_sides_is_dropped_and_listed(tmp_path):
    experiment, ledger = _measured(
        tmp_path, [0.9, None, 0.7, 0.7], [0.5, 0.2, None, 0.4], [0.1, 0.6, 0.4, 0.4]
    )
    line = compare(experiment, ledger)
    assert (line.seeds, line.missing_seeds, line.pairs) == ((1, 4), (2, 3), 2)


def test_nothing_to_compare_is_said_and_never_a_number(tmp_path):
    experiment, ledger = _measured(tmp_path, [None] * 3, [0.1] * 3, [0.1] * 3)
    with pytest.raises(NothingToCompare):
        compare(experiment, ledger)
    assert compare_all([experiment], ledger) == []
    (verdict,) = rule([], [experiment])
    assert (verdict.ruling, verdict.comparison, verdict.p_support_holm) == ("inconclusive", "", 1.0)
    assert "nothing was tested" in verdict.reason


@pytest.mark.parametrize(
    ("treatment", "ruling", "words"),
    [
        ([0.9] * 8, "supported", "reaches the prediction"),
        ([0.55] * 8, "refuted", "below the prediction"),
        ([0.4] * 8, "refuted", "below the prediction"),
        ([0.9, 0.3] * 4, "inconclusive", "Neither test"),
        ([0.51, 0.52, 0.53, 0.54, 0.51, 0.95, 0.51, 0.52], "inconclusive", "falls short"),
        ([0.9] * 7 + [None], "inconclusive", "Fewer pairs"),
        ([0.3 + 0.3] * 8, "supported", "reaches the prediction"),
    ],
)
def test_a_ruling_follows_from_both_tests_and_the_prediction(tmp_path, treatment, ruling, words):
    experiment = plan(seeds=tuple(range(1, 9)), alpha=0.05, family_size=8, predicted_effect=0.1)
    experiment, ledger = _measured(tmp_path, treatment, [0.5] * 8, [0.2] * 8, experiment)
    (verdict,) = rule(compare_all([experiment], ledger), [experiment])
    assert verdict.ruling == ruling
    assert words in verdict.reason
    assert verdict.family_size == 8


def test_a_single_pair_on_the_prediction_is_no_sign_of_falling_short():
    assert sign_flip([0.3 - 0.2], 0.1, "less") == 1.0
    assert sign_flip([0.3 - 0.1], 0.2, "greater") == 1.0


def test_verdicts_share_one_family(tmp_path):
    experiment = plan(seeds=tuple(range(1, 9)), alpha=0.05, family_size=2)
    experiment, ledger = _measured(tmp_path, [0.9] * 8, [0.5] * 8, [0.2] * 8, experiment)
    other = plan(hypothesis="h2", seeds=tuple(range(20, 28)), alpha=0.05, family_size=3)
    first, second = rule(compare_all([experiment, other], ledger), [experiment, other])
    assert first.p_support_holm == pytest.approx(3 / 256)
    assert (first.ruling, second.ruling) == ("supported", "inconclusive")
    assert first.id != second.id


def test_no_loss_against_a_control_that_failed_decides_nothing(tmp_path):
    sides = {"null_effect": -0.05, "predicted_effect": -0.05, "alpha": 0.05}
    asked = plan(seeds=tuple(range(1, 9)), least_control=0.6, **sides)
    asked, ledger = _measured(tmp_path, [0.5] * 8, [0.5] * 8, [0.2] * 8, asked)
    [comparison] = compare_all([asked], ledger)
    [verdict] = rule([comparison], [asked])
    assert verdict.p_support_holm <= 0.05
    assert (verdict.ruling, "learned too little" in verdict.reason) == ("inconclusive", True)


def test_a_part_of_a_gate_is_tested_by_itself_and_counts_for_nobody_else(tmp_path):
    gate = plan(seeds=tuple(range(1, 9)), alpha=0.05, gate=True)
    gate, ledger = _measured(tmp_path, [0.9] * 7 + [0.4], [0.5] * 8, [0.2] * 8, gate)
    others = [
        plan(hypothesis=name, seeds=gate.seeds, alpha=0.05, family_size=2) for name in ("h2", "h3")
    ]
    asked = [others[0], gate, others[1]]
    before, part, after = rule(compare_all(asked, ledger), asked)
    assert (part.family_size, part.p_support_holm) == (1, pytest.approx(2 / 256))
    assert (before.family_size, before.p_support_holm) == (2, pytest.approx(4 / 256))
    assert [line.hypothesis for line in (before, part, after)] == ["h2", "h1", "h3"]
    with pytest.raises(ValidationError, match="by itself"):
        plan(gate=True, family_size=2)


def test_a_conducted_experiment_can_be_compared(tmp_path):
    experiment, subject = plan(), SmallSubject()
    ledger = open_ledger(tmp_path)
    freeze(experiment, subject, ledger, tmp_path)
    conduct([experiment], subject, shop(tmp_path, ledger, ThreadExecutor()))
    line = compare(experiment, ledger)
    assert line.pairs == 3
    known = {e.id: e.value for e in ledger.lines(EvidenceLine)}
    values = [known[id] for id in line.evidence]
    assert sum(values[:3]) / 3 == pytest.approx(line.treatment_mean)
    assert sum(values[3:]) / 3 == pytest.approx(line.control_mean)
