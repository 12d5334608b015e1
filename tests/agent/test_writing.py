"""The built-in author's words agree with the run's counts and kind of test."""

import json
from dataclasses import replace

import pytest

from agent.claims import claim_of
from agent.minds.playbook.family import all_families
from agent.minds.playbook.writing import write_prose
from agent.own_code import FAMILIES
from agent.press import reference_of
from papers.draft import draft
from papers.review.finding import Case, Finding
from papers.review.panel import review
from sandbox.ledger import Ledger
from sandbox.records import (
    AnyLine,
    CallLine,
    ClaimLine,
    ComparisonLine,
    DeviationLine,
    EvidenceLine,
    HypothesisLine,
    PlanLine,
    TrialLine,
    VerdictLine,
)
from tests.papers.review_case import recorded, sound_case
from tests.papers.sample_architecture_run import sample_architecture_run
from tests.papers.sample_run import compared
from tools.compare import compare_all, rule
from tools.experiment import Experiment
from tools.literature.library import Library


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return sound_case(tmp_path_factory.mktemp("writing") / "run")


@pytest.fixture(scope="module")
def whole(sound: Case, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    """A run of each domain."""
    folder = tmp_path_factory.mktemp("writing") / "architectures"
    ledger, facts, plans = sample_architecture_run(folder)

    def without_numbers(line: AnyLine) -> AnyLine:
        if not isinstance(line, HypothesisLine):
            return line
        said = line.statement.replace("two global", "global").replace("within ten points", "close")
        return line.model_copy(update={"statement": said})

    merging = recorded(sound, without_numbers)
    merging = replace(merging, facts={**sound.facts, "confidence": 0.95})
    return {"merging": merging, "architectures": Case(sound.manuscript, ledger, facts, plans, ())}


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


def test_sides_that_both_answer_nearly_everything_are_not_ranked(sound: Case) -> None:
    def at(mean: float) -> str:
        def moved(line: AnyLine) -> AnyLine:
            both = {"treatment_mean": 0.999, "control_mean": mean}
            return line.model_copy(update=both) if isinstance(line, ComparisonLine) else line

        return prose(recorded(sound, moved))["limitations"]

    assert "answer nearly everything" in at(0.985)
    assert "answer nearly everything" not in at(0.93)


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


@pytest.mark.parametrize(("ruling", "said"), [("refuted", "refuted"), ("inconclusive", "left und")])
def test_a_single_ruling_is_told_and_not_counted(sound: Case, ruling: str, said: str) -> None:
    first = sound.ledger.lines(VerdictLine)[0]

    def alone(line: AnyLine) -> AnyLine | None:
        if isinstance(line, VerdictLine | ComparisonLine) and line.hypothesis != first.hypothesis:
            return None
        return line.model_copy(update={"ruling": ruling}) if line == first else line

    abstract = prose(recorded(sound, alone))["abstract"]
    assert f"the hypothesis that was tested is {said}" in abstract
    assert "none of them" not in abstract


def measured_with(case: Case, seeds: set[int]) -> Case:
    """The run that a spent budget left with these seeds, compared and ruled on as a run does."""
    untold = (ComparisonLine, VerdictLine, ClaimLine)
    kept = recorded(
        case,
        lambda line: (
            None
            if isinstance(line, untold)
            or (isinstance(line, EvidenceLine | TrialLine) and line.seed not in seeds)
            else line
        ),
    )
    plans = [Experiment.model_validate(plan) for plan in case.plans.values()]
    comparisons = comparisons_of(plans, kept.ledger) if seeds else []
    stated = {line.id: line for line in kept.ledger.lines(HypothesisLine)}
    found = {line.id: line for line in comparisons}
    verdicts = rule(comparisons, plans)
    claims = [claim_of(stated[v.hypothesis], v, found.get(v.comparison)) for v in verdicts]
    return recorded(kept, lambda line: line, (*comparisons, *verdicts, *claims))


def comparisons_of(plans: list[Experiment], ledger: Ledger) -> list[ComparisonLine]:
    if plans[0].subject != "miniature":
        return compare_all(plans, ledger)
    tested = [e for e in ledger.lines(EvidenceLine) if (e.metric, e.split) == ("accuracy", "test")]
    seeds = tuple(sorted({e.seed for e in tested}))
    return [compared(plan, {(e.arm, e.seed, e.task): e for e in tested}, seeds) for plan in plans]


def drafted(case: Case) -> Case:
    """With the paper of the built-in author, and the works that it cites."""
    written = write_prose(case.ledger, case.facts, case.plans)
    manuscript = draft(written, case.ledger, case.facts, case.plans)
    library = Library.embedded()
    works = [reference_of(library.entry(key)) for key in manuscript.bibliography]
    return replace(case, manuscript=manuscript, references=works, problems=())


def grave(case: Case) -> list[Finding]:
    """What blocks the paper, but for what the plans of the sample run leave out."""
    blocking = [found for found in review(case).findings if found.severity == "blocking"]
    return [f for f in blocking if "'arm.task-arithmetic.evaluations'" not in f.what]


@pytest.mark.parametrize("domain", ["merging", "architectures"])
def test_a_run_with_a_single_measured_seed_ends_in_a_paper_without_intervals_of_means(
    whole: dict[str, Case], domain: str
) -> None:
    case = drafted(measured_with(whole[domain], {0}))
    assert {line.pairs for line in case.ledger.lines(ComparisonLine)} == {1}
    assert {line.ruling for line in case.ledger.lines(VerdictLine)} == {"inconclusive"}
    assert not grave(case)
    text = case.manuscript.model_dump_json()
    assert "{{low:" not in text and "{{high:" not in text
    (main,) = (b for s in case.manuscript.sections for b in s.blocks if label(b) == "tab:main")
    assert {row[-1] for row in main.rows} and all("--" in row for row in main.rows)
    for row in main.rows:
        assert all(case.shown(cell) for cell in row)


@pytest.mark.parametrize("domain", ["merging", "architectures"])
def test_a_run_without_a_hypothesis_is_written_up_without_tables_that_are_not_there(
    whole: dict[str, Case], domain: str
) -> None:
    of_runs = (HypothesisLine, PlanLine, TrialLine, EvidenceLine)
    untold = (*of_runs, ComparisonLine, VerdictLine, ClaimLine, CallLine, DeviationLine)
    bare = recorded(whole[domain], lambda line: None if isinstance(line, untold) else line)
    assert not grave(drafted(replace(bare, plans={})))


@pytest.mark.parametrize("domain", ["merging", "architectures"])
def test_a_run_whose_trials_were_not_run_is_written_up_without_tables_that_are_not_there(
    whole: dict[str, Case], domain: str
) -> None:
    assert not grave(drafted(measured_with(whole[domain], set())))


def label(block: object) -> str:
    return str(getattr(block, "label", ""))


def test_what_several_outcomes_mean_is_told_once_and_referred_to(sound: Case) -> None:
    family = FAMILIES["merge_method"][0]
    alike = recorded(
        sound,
        lambda line: (
            line.model_copy(update={"family": family})
            if isinstance(line, HypothesisLine)
            else line.model_copy(update={"ruling": "supported"})
            if isinstance(line, VerdictLine)
            else line
        ),
    )
    written = write_prose(alike.ledger, alike.facts, alike.plans)
    last = [passage[-1].text for passage in written.findings.values()]
    meaning = all_families()[family].meaning["supported"]
    assert last[0] == meaning
    assert len(set(last)) == len(last) > 2
    first = alike.ledger.lines(HypothesisLine)[0].id
    assert all(f"What {{{{ref:sec:{first}}}}} says" in text for text in last[1:])
