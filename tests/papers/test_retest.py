"""Tests and intervals are computed again from evidence, and what does not follow is found."""

from __future__ import annotations

import random
from typing import Any

import pytest

from papers.review.finding import Case
from papers.review.resampling import interval_ends, sampled_sign_flip
from papers.review.retest import misruled, retest, sign_flip
from sandbox.ledger import Ledger
from sandbox.records import AnyLine, ComparisonLine, EvidenceLine, VerdictLine
from tests.papers.review_case import recorded
from tools.compare import interval
from tools.compare import sign_flip as measured_p


def forged(case: Case, of: AnyLine, **update: Any) -> Case:
    """The case with one record changed, in a ledger whose chain holds."""
    return recorded(
        case,
        lambda line: (
            line.model_copy(update=update) if (line.kind, line.id) == (of.kind, of.id) else line
        ),
    )


def flaws(case: Case) -> list[str]:
    return [flaw.sentence for flaw in retest(case.ledger, case.plans)]


def comparison(case: Case) -> ComparisonLine:
    return case.ledger.lines(ComparisonLine)[0]


def stand_in(case: Case, **of: object) -> str:
    """An evidence line of the first comparison's first seed with these fields."""
    wanted = {"seed": comparison(case).seeds[0], "metric": "accuracy", **of}
    return next(
        line.id
        for line in case.ledger.lines(EvidenceLine)
        if all(getattr(line, name) == value for name, value in wanted.items())
    )


def test_the_sound_run_follows_from_its_evidence(sound: Case) -> None:
    assert flaws(sound) == []
    assert misruled(sound.ledger, sound.plans) == []


@pytest.mark.parametrize("end", ["low", "high"])
def test_an_interval_that_no_resampling_gives_is_found(sound: Case, end: str) -> None:
    line = comparison(sound)
    wider = {"low": line.low - 0.1, "high": line.high + 0.1}[end]
    (said,) = flaws(forged(sound, line, **{end: wider}))
    assert f"{end} is recorded as" in said


def test_a_value_of_another_arm_is_found_though_its_number_fits(sound: Case) -> None:
    line = comparison(sound)
    own = sound.ledger.find(EvidenceLine, line.evidence[0])
    assert own is not None
    other = stand_in(sound, arm="uniform", task=own.task, split="test")
    lent = sound.ledger.find(EvidenceLine, other)
    case = forged(sound, lent, value=own.value, correct=own.correct) if lent else sound
    assert any(
        "the difference of seed" in said
        for said in flaws(forged(case, line, evidence=(other, *line.evidence[1:])))
    )


def test_a_value_of_the_other_split_is_found_though_its_number_fits(sound: Case) -> None:
    own = comparison(sound).evidence[0]
    line = sound.ledger.find(EvidenceLine, own)
    assert line is not None
    assert any("the difference of seed" in said for said in flaws(forged(sound, line, split="dev")))


def test_a_milder_level_than_the_plan_froze_is_found(sound: Case) -> None:
    verdict = sound.ledger.lines(VerdictLine)[0]
    assert any(
        "alpha is recorded as 0.2" in said for said in flaws(forged(sound, verdict, alpha=0.2))
    )


def test_a_smaller_family_than_the_plans_froze_is_found(sound: Case) -> None:
    case = sound
    for verdict in sound.ledger.lines(VerdictLine):
        case = forged(case, verdict, family_size=1)
    assert any("family_size is recorded as 1" in said for said in flaws(case))


@pytest.mark.parametrize("named", ["", "nowhere"])
def test_a_verdict_that_no_comparison_carries_must_be_inconclusive(sound: Case, named: str) -> None:
    (verdict, *_) = [v for v in sound.ledger.lines(VerdictLine) if v.ruling == "supported"]
    bare = forged(sound, verdict, comparison=named)
    assert [line.id for line in misruled(bare.ledger, bare.plans)] == [verdict.id]
    assert (
        misruled(forged(bare, verdict, comparison=named, ruling="inconclusive").ledger, bare.plans)
        == []
    )


def test_a_mean_that_equals_the_prediction_but_for_rounding_reaches_it(sound: Case) -> None:
    verdict = next(v for v in sound.ledger.lines(VerdictLine) if v.ruling == "supported")
    line = sound.ledger.find(ComparisonLine, verdict.comparison)
    assert line is not None
    exact = forged(sound, line, effect=0.3 - 0.2, predicted_effect=0.1)
    assert misruled(exact.ledger, exact.plans) == []


def _many(pairs: int) -> list[float]:
    draw = random.Random(pairs)
    return [round(draw.gauss(0.02, 0.1), 3) for _ in range(pairs)]


def test_random_sign_flips_agree_with_all_of_them() -> None:
    for pairs in (6, 12, 20):
        exact = sign_flip(_many(pairs))
        assert sampled_sign_flip(_many(pairs)) == pytest.approx(exact, abs=0.006)


@pytest.mark.slow
def test_p_values_of_more_pairs_than_can_be_enumerated_are_checked_too(
    tmp_path: Any, sound: Case
) -> None:
    differences = _many(40)
    low, high = interval(differences)
    line = comparison(sound).model_copy(
        update={
            "experiment": "unknown",
            "evidence": (),
            "seeds": tuple(range(40)),
            "pairs": 40,
            "differences": tuple(differences),
            "effect": sum(differences) / 40,
            "low": low,
            "high": high,
            "p_support": measured_p(differences, 0.0, "greater"),
            "p_refute": measured_p(differences, 0.1, "less"),
            "predicted_effect": 0.1,
            "exact": False,
        }
    )
    for update, found in (({}, []), ({"p_support": 0.001}, ["p_support"])):
        ledger = Ledger(tmp_path / f"{len(found)}.jsonl")
        ledger.append(line.model_copy(update=update))
        assert [flaw.field for flaw in retest(ledger, {})] == found


@pytest.mark.parametrize("pairs", [2, 3, 5, 8, 12, 40])
def test_two_bootstraps_agree_on_where_an_interval_may_end(pairs: int) -> None:
    for draw in range(8):
        skewed = [round(abs(d) ** (1 + draw / 4), 3) for d in _many(pairs + 50 * draw)[:pairs]]
        ends = interval_ends(skewed)
        for end, (least, most) in zip(interval(skewed), ends, strict=True):
            assert least - 1e-9 <= end <= most + 1e-9, (skewed, end, least, most)


@pytest.mark.parametrize("differences", [[0.25], [0.1, 0.1, 0.1]])
def test_an_interval_of_equal_differences_is_their_value(differences: list[float]) -> None:
    only = differences[0]
    assert (
        interval_ends(differences) == ((only, only), (only, only)) == (interval(differences),) * 2
    )
