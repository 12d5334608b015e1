import math
from pathlib import Path

import pytest

from papers.numbers import Numbers
from papers.value import MINUS, Value, inline, write
from sandbox.errors import UnbackedNumber
from sandbox.ledger import Ledger
from sandbox.records import ComparisonLine, EvidenceLine, TrialLine
from tests.papers.sample_run import ARMS, PRIMARY, sample_run

NBSP = "\N{NO-BREAK SPACE}"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return sample_run(tmp_path_factory.mktemp("numbers"))


@pytest.fixture(scope="module")
def numbers(run):
    ledger, facts, plans, _, references = run
    return Numbers(ledger, facts, plans, references=len(references))


def test_a_mean_is_taken_over_the_seeds_and_names_its_evidence(numbers, run):
    value = numbers.resolve(f"mean:evolve/{PRIMARY}/test")
    assert value.value == pytest.approx(sum(ARMS["evolve"][4]) / 8, abs=1e-9)
    assert value.unit == "fraction"
    ids = {f"evidence:{e.id}" for e in run[0].lines(EvidenceLine)}
    assert len(value.sources) == 8 and set(value.sources) <= ids


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (f"mean:evolve/{PRIMARY}/test|.3f", "0.950"),
        (f"mean:evolve/{PRIMARY}/test|%", "95.0%"),
        (f"max:evolve/{PRIMARY}/test|.3f", "0.993"),
        (f"min:skill-expert/{PRIMARY}/test|.1f", "0.0"),
        (f"median:evolve/{PRIMARY}/dev/best:100|.2f", "0.80"),
        (f"mean:evolve/{PRIMARY}/dev/coefficient:skill/mlp.0|.2f", "1.01"),
        (f"at:evolve/{PRIMARY}/test/3|.3f", "0.982"),
        (f"at:evolve/{PRIMARY}/dev/3/best:1|.3f", "0.320"),
        (f"n:ties/{PRIMARY}/test|words", "seven"),
        (f"diff:mean:evolve/{PRIMARY}/test;mean:base/{PRIMARY}/test|pp", f"+75.5{NBSP}pp"),
        (f"diff:mean:base/{PRIMARY}/test;mean:evolve/{PRIMARY}/test|pp", f"{MINUS}75.5{NBSP}pp"),
        (f"ratio:n:evolve/{PRIMARY}/test;n:ties/{PRIMARY}/test|.2f", "1.14"),
        (f"ratio:(diff:cost:cpu_s;cost:cpu_s);cost:cpu_s|.1f", "0.0"),  # noqa: F541
        ("count:trials|d", "80"),
        ("count:trials.failed|words", "one"),
        ("count:supported|words", "two"),
        ("count:seeds|words", "eight"),
        ("count:references|d", "6"),
        ("fact:machine.cores|d", "2"),
        ("fact:machine.cpu|text", "AMD EPYC 7B13"),
        ("fact:machine.memory_bytes|B", f"8{NBSP}GiB"),
        ("fact:budget.wall_s|s", f"6{NBSP}min"),
        ("fact:subject.roles.skill.label|text", "Skill expert"),
        ("fact:subject.roles.1.label|text", "Skill expert"),
        ("fact:subject.tasks.largest.ko.test_items|d", "2000"),
        ("fact:sandbox.confined|text", "yes"),
        ("deviation:deviation-1|text",
         "one trial of the arm ties is missing: over its wall limit of 20 s"),
    ],
)  # fmt: skip
def test_an_expression_reads_as_a_paper_prints_it(numbers, body, text):
    assert numbers.render(body).text == text


def test_comparisons_verdicts_plans_and_trials_are_read_by_field(numbers, run):
    line = run[0].lines(ComparisonLine)[0]
    effect = numbers.render(f"cmp:{line.id}.effect|pp")
    assert effect.text == f"+48.3{NBSP}pp" and effect.value == line.effect
    assert f"evidence:{line.evidence[0]}" in effect.sources
    assert numbers.render(f"verdict:{line.hypothesis}.p_support_holm|p").text == "0.016"
    assert numbers.render(f"verdict:{line.hypothesis}.p_support_holm|p=").text.startswith("p")
    assert numbers.render(f"verdict:{line.hypothesis}.ruling|text").text == "supported"
    assert numbers.render(f"plan:{line.experiment}.seeds|words").text == "eight"
    assert numbers.render(f"plan:{line.experiment}.alpha|.2f").text == "0.05"
    assert numbers.render(f"plan:{line.experiment}.predicted_effect|pp").text == f"+10.0{NBSP}pp"
    assert numbers.render(f"plan:{line.experiment}.arm.evolve.evaluations|d").text == "300"
    assert numbers.render(f"plan:{line.experiment}.arm.evolve.label|text").text.startswith("Evo")
    trial = run[0].lines(TrialLine)[0]
    assert numbers.resolve(f"trial:{trial.id}.wall_s").value == trial.wall_s


def test_a_statistic_can_be_limited_to_the_seeds_of_a_plan(numbers, run):
    experiment = run[0].lines(ComparisonLine)[0].experiment
    assert numbers.resolve(f"n:evolve@{experiment}/{PRIMARY}/test").value == 8
    with pytest.raises(UnbackedNumber, match="no plan"):
        numbers.resolve(f"n:evolve@nothing/{PRIMARY}/test")


def test_the_interval_is_students_and_stays_within_zero_and_one(numbers):
    values = ARMS["uniform"][4]
    mean, n = sum(values) / 8, 8
    sd = math.sqrt(sum((v - mean) ** 2 for v in values) / (n - 1))
    half = 2.364624251592785 * sd / math.sqrt(n)  # the 97.5% quantile of t with 7 degrees
    assert numbers.resolve(f"low:uniform/{PRIMARY}/test").value == pytest.approx(mean - half)
    assert numbers.resolve(f"high:uniform/{PRIMARY}/test").value == pytest.approx(mean + half)
    assert numbers.resolve(f"low:skill-expert/{PRIMARY}/test").number >= 0.0
    assert numbers.resolve("high:joint/largest.en/test").number <= 1.0


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("ev:nothing", "no evidence"),
        ("mean:evolv/largest.ko/test|.3f", "evolve/largest.ko/test"),
        ("mean:evolve", "names no group"),
        ("at:ties/largest.ko/test/3|.3f", "no seed of ties"),
        ("cmp:nothing.effect|pp", "no comparison"),
        ("count:unicorns|d", "nothing counts"),
        ("cost:love|s", "no cost"),
        ("fact:machine.colour|text", "cpu"),
        ("fact:machine|text", "neither a number nor text"),
        ("wish:evolve|.3f", "no source of numbers"),
        ("mean:evolve/largest.ko/test|pp", "fraction"),
        ("mean:evolve/largest.ko/test|d", "fraction"),
        ("mean:evolve/largest.ko/test|.9f", "unknown format"),
        ("mean:evolve/largest.ko/test|text", "is a number"),
        ("fact:machine.cpu|.1f", "is text"),
        ("diff:mean:evolve/largest.ko/test;cost:cpu_s|pp", "do not combine"),
        ("diff:mean:evolve/largest.ko/test|pp", "not two expressions"),
        ("count:findings|d", "no review"),
    ],
)
def test_what_evidence_does_not_back_is_refused_with_advice(numbers, body, message):
    with pytest.raises(UnbackedNumber) as refusal:
        numbers.render(body)
    assert message in str(refusal.value) and refusal.value.fix


def test_two_values_for_one_seed_are_refused(run, tmp_path: Path):
    ledger, facts, plans, _, _ = sample_run(tmp_path / "run")
    line = next(e for e in ledger.lines(EvidenceLine) if e.arm == "evolve")
    changed = line.model_copy(update={"id": "other", "value": line.value - 0.1, "trial": "other"})
    ledger.append(changed)
    again = Numbers(Ledger(ledger.path), facts, plans)
    with pytest.raises(UnbackedNumber, match="two values for seed"):
        again.resolve(f"mean:evolve/{line.task}/{line.split}/{line.metric}")


@pytest.mark.parametrize(
    ("number", "unit", "form", "text"),
    [
        (0.285, "fraction", "%", "28.5%"),
        (0.0005, "fraction", ".3f", "0.001"),
        (-0.00001, "points", "pp", f"0.0{NBSP}pp"),
        (-0.00001, "points", ".3f", "0.000"),
        (0.0009, "p", "p", "<0.001"),
        (0.0009, "p", "p=", f"p{NBSP}<{NBSP}0.001"),
        (0.04, "p", "p=", f"p{NBSP}={NBSP}0.040"),
        (12345.0, "count", "d", "12,345"),
        (13.0, "count", "words", "13"),
        (0.4567, "s", "s", f"0.46{NBSP}s"),
        (61.25, "s", "s", f"61.3{NBSP}s"),
        (9000.0, "s", "s", f"2.5{NBSP}h"),
        (1536.0, "bytes", "B", f"1.5{NBSP}KiB"),
        (3e-3, "number", "g", "0.003"),
    ],
)
def test_rounding_and_units_are_the_same_everywhere(number, unit, form, text):
    assert write(Value(number, unit, (), "x"), form) == text


@pytest.mark.parametrize(
    ("label", "within"),
    [
        ("Multi-query recall", "multi-query recall"),
        ("A short convolution", "a short convolution"),
        ("SSD as writer", "SSD as writer"),
        ("RegMean", "RegMean"),
        ("Python's help text", "Python's help text"),
    ],
)
def test_a_label_within_a_sentence_begins_small_unless_it_is_a_name(label: str, within: str):
    assert inline(label) == within
