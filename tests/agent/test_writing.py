"""The built-in author's words agree with the run's counts and kind of test."""

import json

import pytest

from agent.minds.playbook.writing import write_prose
from papers.review.finding import Case
from sandbox.records import (
    AnyLine,
    ComparisonLine,
    HypothesisLine,
    PlanLine,
    TrialLine,
    VerdictLine,
)
from tests.papers.review_case import recorded, sound_case


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return sound_case(tmp_path_factory.mktemp("writing") / "run")


def prose(case: Case) -> dict[str, str]:
    """The abstract and other parts, with their values filled in."""
    written = write_prose(case.ledger, case.facts, case.plans)
    parts = {
        "abstract": written.abstract,
        "limitations": written.limitations,
        "method": written.method,
        "findings": tuple(p for passage in written.findings.values() for p in passage),
    }
    return {
        name: " ".join(
            case.shown(p.text) if name == "abstract" else p.text
            for p in passage
            if hasattr(p, "text")
        )
        for name, passage in parts.items()
    }


def one_of_each(case: Case) -> Case:
    """A run with one hypothesis, on one pair, with one failed trial."""
    first = case.ledger.lines(HypothesisLine)[0].id

    def keep(line: AnyLine) -> AnyLine | None:
        if isinstance(line, HypothesisLine):
            return line if line.id == first else None
        if isinstance(line, PlanLine | ComparisonLine | VerdictLine) and line.hypothesis != first:
            return None
        if isinstance(line, ComparisonLine):
            return line.model_copy(update={"pairs": 1})
        return line

    return recorded(case, keep)


def test_one_of_a_kind_is_written_in_the_singular(sound: Case) -> None:
    said = prose(one_of_each(sound))
    assert "We froze one hypothesis, with a numeric prediction" in said["abstract"]
    assert ".pairs|words}} pair, " in said["findings"]
    assert "|words}} place, listed" in said["limitations"]
    assert "failed or was stopped" in said["limitations"]


def test_several_of_a_kind_are_written_in_the_plural(sound: Case) -> None:
    said = prose(sound)
    assert "We froze four hypotheses, each with a numeric prediction" in said["abstract"]
    assert ".pairs|words}} pairs, " in said["findings"]


def test_a_test_over_random_signs_is_not_called_exact(sound: Case) -> None:
    sampled = recorded(
        sound,
        lambda line: (
            line.model_copy(update={"exact": False}) if isinstance(line, ComparisonLine) else line
        ),
    )
    assert "an exact paired test" in prose(sound)["abstract"]
    assert "exact" not in prose(sampled)["abstract"]
    assert "An exact sign-flip test" in prose(sound)["method"]
    assert "with random signs where all would be too many" in prose(sampled)["method"]


def test_an_evolved_merge_on_fewer_labels_is_not_taken_for_the_evolved_merge(sound: Case) -> None:
    plans = json.loads(json.dumps(sound.plans))
    for arm in (arm for plan in plans.values() for arm in plan["arms"]):
        if arm["name"] == "random-search":
            arm["arguments"] = {"strategy": "evolve", "dev_items": 16}
    written = write_prose(sound.ledger, sound.facts, plans)
    said = " ".join(p.text for p in (*written.abstract, *written.discussion) if hasattr(p, "text"))
    assert "mean:evolve/" in said
    assert "mean:random-search/" not in said


def test_a_difference_that_no_test_covers_is_not_interpreted(sound: Case) -> None:
    written = write_prose(sound.ledger, sound.facts, sound.plans)
    said = " ".join(p.text for p in written.discussion if hasattr(p, "text"))
    assert "No test of this run covers that difference." in said


def test_the_tally_counts_what_was_never_measured_as_undecided(sound: Case) -> None:
    last = sound.ledger.lines(VerdictLine)[-1]
    untested = recorded(
        sound,
        lambda line: (
            None
            if isinstance(line, ComparisonLine) and line.id == last.comparison
            else line.model_copy(update={"comparison": "", "ruling": "inconclusive"})
            if isinstance(line, VerdictLine) and line.id == last.id
            else line
        ),
    )
    rulings = [v.ruling for v in untested.ledger.lines(VerdictLine)]
    count = {1: "one", 2: "two", 3: "three"}[rulings.count("inconclusive")]
    assert f"{count} left undecided" in prose(untested)["abstract"]
    assert any(t.status != "ok" for t in untested.ledger.lines(TrialLine))
