"""Every check finds its defect in a guilty paper, and nothing in an innocent one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from papers.manuscript import Block, Figure, Manuscript, Paragraph, Table
from papers.review.check import all_checks
from papers.review.checks.figure_against_data import _reaches_zero
from papers.review.finding import Case, Finding, Unchecked
from papers.review.panel import consult
from sandbox.records import (
    AnyLine,
    ClaimLine,
    ComparisonLine,
    DeviationLine,
    EvidenceLine,
    HypothesisLine,
    PlanLine,
    TrialLine,
    VerdictLine,
)
from tests.papers.review_case import each_block, recorded, rewrite, saying, written

Spoil = Callable[[Case], Case]
TASK = "largest.ko"


def only(kind: type[Any], **update: Any) -> Callable[[AnyLine], AnyLine]:
    """Change the first record of a kind."""
    seen: list[str] = []

    def change(line: AnyLine) -> AnyLine:
        if isinstance(line, kind) and not seen:
            seen.append(line.id)
            return line.model_copy(update=update)
        return line

    return change


def without(kind: type[Any]) -> Callable[[AnyLine], AnyLine | None]:
    return lambda line: None if isinstance(line, kind) else line


def paper(change: Callable[[Manuscript], Manuscript]) -> Spoil:
    return lambda case: replace(case, manuscript=change(case.manuscript))


def block(change: Callable[[Block], Block | None]) -> Spoil:
    return paper(lambda manuscript: each_block(manuscript, change))


def says(text: str, section: str = "sec:results", **more: Any) -> Spoil:
    return lambda case: saying(case, text, section, **more)


def words(*pairs: tuple[str, str]) -> Spoil:
    return lambda case: written(case, *pairs)


def ledger(change: Callable[[AnyLine], AnyLine | None]) -> Spoil:
    return lambda case: recorded(case, change)


def nothing(case: Case) -> Case:
    return case


def table(name: str, **update: Any) -> Spoil:
    def change(b: Block) -> Block:
        return b.model_copy(update=update) if isinstance(b, Table) and b.label == name else b

    return block(change)


def _first(case: Case, kind: type[Any]) -> Any:
    return case.ledger.lines(kind)[0]


def _fewer_pairs(case: Case) -> Case:
    """The composed skill, compared on six of its eight seeds, and honestly so in the ledger."""
    line = _first(case, ComparisonLine)
    update = {
        "seeds": line.seeds[:6],
        "pairs": 6,
        "differences": line.differences[:6],
        "missing_seeds": line.seeds[6:],
    }
    case = recorded(case, only(ComparisonLine, **update))
    return written(case, (f"{{{{cmp:{line.id}.pairs|words}}}} pairs", "pairs"))


def _fewer_pairs_disclosed(case: Case) -> Case:
    line = _first(case, ComparisonLine)
    return saying(_fewer_pairs(case), f"Only {{{{cmp:{line.id}.pairs|d}}}} pairs are complete.")


def _three_pairs(case: Case) -> Case:
    line = _first(case, ComparisonLine)
    update = {"seeds": line.seeds[:3], "pairs": 3, "differences": line.differences[:3]}
    return recorded(case, only(ComparisonLine, **update))


def _refuted(case: Case) -> Case:
    """The claim of the composed skill stays one of superiority, its verdict is refuted."""
    return recorded(case, only(VerdictLine, ruling="refuted"))


def _raw_p(case: Case) -> Case:
    line = _first(case, ComparisonLine)
    return saying(case, f"The test gives p = {{{{cmp:{line.id}.p_support|p}}}}.")


def _without_arm(case: Case) -> Case:
    def change(b: Block) -> Block:
        if isinstance(b, Table) and b.label == "tab:main":
            return b.model_copy(update={"rows": b.rows[:-1], "bold": ()})
        return b

    return block(change)(case)


def _late_plan(case: Case) -> Case:
    plan = _first(case, PlanLine)
    return recorded(case, lambda line: None if line == plan else line, more=(plan,))


def _edited_plan(case: Case) -> Case:
    id = _first(case, PlanLine).id
    plan = dict(case.plans[id])  # type: ignore[arg-type]
    return replace(case, plans={**case.plans, id: {**plan, "seeds": [0, 1]}})


def _swapped_cell(case: Case) -> Case:
    joint, base = (f"{{{{mean:{arm}/{TASK}/test|.3f}}}}" for arm in ("joint", "base"))
    return written(case, (joint, base))


def _unconfined(case: Case) -> Case:
    facts = {**case.facts, "sandbox": {**case.facts["sandbox"], "confined": False}}  # type: ignore[dict-item]
    changed = recorded(case, _each_trial(isolation="unconfined"))
    return replace(changed, facts=facts)


def _each_trial(**update: Any) -> Callable[[AnyLine], AnyLine]:
    return lambda line: line.model_copy(update=update) if isinstance(line, TrialLine) else line


def _unconfined_said(case: Case) -> Case:
    text = "The trials ran unconfined: nothing kept them from the network."
    return saying(_unconfined(case), text, "sec:limitations")


def _test_search(case: Case) -> Case:
    def change(line: AnyLine) -> AnyLine:
        if isinstance(line, EvidenceLine) and line.metric == "best:49":
            return line.model_copy(update={"split": "test"})
        return line

    return recorded(case, change)


def _silent_costs(case: Case) -> Case:
    def change(b: Block) -> Block | None:
        return None if isinstance(b, Paragraph) and "grid spends" in b.text else b

    return block(change)(case)


def _figure_twice(case: Case) -> Case:
    def change(manuscript: Manuscript) -> Manuscript:
        sections = []
        for section in manuscript.sections:
            copies = [
                b.model_copy(update={"label": "fig:again"})
                for b in section.blocks
                if isinstance(b, Figure) and b.label == "fig:bars"
            ]
            sections.append(section.model_copy(update={"blocks": (*section.blocks, *copies)}))
        return manuscript.model_copy(update={"sections": tuple(sections)})

    return paper(change)(case)


def _no_limitations(case: Case) -> Case:
    def change(manuscript: Manuscript) -> Manuscript:
        kept = tuple(s for s in manuscript.sections if s.label != "sec:limitations")
        return manuscript.model_copy(update={"sections": kept})

    return paper(change)(case)


def _no_section(case: Case) -> Case:
    """The refuted hypothesis is left out."""

    def change(manuscript: Manuscript) -> Manuscript:
        kept = tuple(s for s in manuscript.sections if s.label != "sec:keeps")
        return manuscript.model_copy(update={"sections": kept})

    return paper(change)(case)


def _ablation(case: Case) -> Case:
    return recorded(case, only(HypothesisLine, relation="ablate"))


def _gain(case: Case) -> str:
    return f"{{{{cmp:{_first(case, ComparisonLine).id}.effect|pp}}}}"


def _claims(case: Case) -> tuple[str, ...]:
    """The claim of the composed skill."""
    return (_first(case, ClaimLine).id,)


def _open_claim(case: Case) -> tuple[str, ...]:
    """A claim whose verdict is not `supported`."""
    return next((c.id,) for c in case.ledger.lines(ClaimLine) if c.claim == "null")


# check -> what makes a paper guilty of it, and a near miss that is innocent
CASES: dict[str, tuple[Spoil, Spoil]] = {
    "untraced_number": (
        says("The merge is right on 78.3 of the items."),
        says("See (Akiba et al., 2025) and {{code:seed=3}} with $x^2$ for largest.ko."),
    ),
    "unbacked_reference": (
        says("It reaches {{mean:evolved/largest.ko/test|.3f}}."),
        says("It reaches {{mean:evolve/largest.ko/test|.3f}}."),
    ),
    "text_against_table": (
        says("Joint training has {{mean:joint/largest.ko/test|.1f}}."),
        says("Joint training has {{mean:joint/largest.ko/test|.3f}}."),
    ),
    "abstract_against_body": (
        words(("reaches {{mean:evolve/largest.ko", "reaches {{median:evolve/largest.ko")),
        nothing,
    ),
    "seeds_misreported": (_fewer_pairs, _fewer_pairs_disclosed),
    "one_seed_conclusion": (
        _three_pairs,
        says("On seed {{trial:T.seed|d}} it is the same as elsewhere."),
    ),
    "significance_without_test": (
        says("TIES outperforms the uniform average ({{mean:ties/largest.ko/test|.3f}})."),
        says("Whether TIES outperforms the uniform average was not tested."),
    ),
    "overclaim": (
        lambda case: saying(case, "The evolved merge clearly beats it.", claims=_open_claim(case)),
        lambda case: saying(case, "The evolved merge beats it.", claims=_claims(case)),
    ),
    "p_value_inconsistent": (ledger(only(ComparisonLine, p_support=0.001)), nothing),
    "effect_inconsistent": (
        ledger(only(ComparisonLine, treatment_mean=0.99)),
        ledger(only(TrialLine, wall_s=3.0)),
    ),
    "uncorrected_tests": (_raw_p, says("Raw means the evidence, not a rounded value.")),
    "missing_baseline": (_without_arm, nothing),
    "cherry_picked_seed": (
        says("The evolved merge reaches {{max:evolve/largest.ko/test|.3f}}."),
        says("On its best seed the merge reaches {{max:evolve/largest.ko/test|.3f}}."),
    ),
    "failed_trials_dropped": (
        words(("{{count:trials.failed|words}}", "a few")),
        words(("{{count:trials.failed|words}}", "{{count:trials.failed|d}}")),
    ),
    "selected_on_test": (
        _test_search,
        says("On the development split it reaches {{mean:evolve/largest.ko/dev/best:300|.3f}}."),
    ),
    "unequal_tuning": (_silent_costs, nothing),
    "missing_citation": (
        says("Others found this too {{citep:nobody2026}}."),
        says("Others found this too {{citep:akiba2025evolutionary}}."),
    ),
    "undefined_reference": (says("See {{ref:fig:lost}}."), says("See {{ref:fig:bars}}.")),
    "placeholder": (says("Conclusions here."), says("The conclusions here are of one study?")),
    "duplicate_figure": (_figure_twice, nothing),
    "limitations_missing": (_no_limitations, nothing),
    "typesetting": (
        lambda case: replace(case, problems=("overfull box: 31.0 pt too wide, at line 12",)),
        lambda case: replace(case, problems=("no Korean font, which this paper does not need",)),
    ),
    "deviation_undisclosed": (
        ledger(only(DeviationLine, what="the sixth seed was run twice")),
        nothing,
    ),
    "hypothesis_missing": (_no_section, nothing),
    "verdict_mismatch": (
        words(("Supported. The evolved", "Refuted. The evolved")),
        words(("Supported. The evolved", "This is not refuted. The evolved")),
    ),
    "sandbox_level_misreported": (_unconfined, _unconfined_said),
    "plan_missing": (_edited_plan, nothing),
    "granularity": (
        ledger(only(EvidenceLine, value=0.27212)),
        ledger(only(EvidenceLine, correct=-1)),
    ),
    "wrong_bold": (table("tab:main", bold=((8, 1),)), table("tab:main", bold=())),
    "wrong_row": (_swapped_cell, nothing),
    "percent_for_points": (
        lambda case: saying(case, f"It gains {_gain(case)} percent."),
        lambda case: saying(case, f"It gains {_gain(case)}."),
    ),
    "ablation_not_run": (
        says("Our ablation shows that the search matters."),
        lambda case: saying(_ablation(case), "Our ablation shows the search."),
    ),
    "unsupported_novelty": (
        says("We are the first to merge so."),
        says("{{cite:akiba2025evolutionary}} are the first to merge so."),
    ),
}  # fmt: skip


def look(name: str, case: Case) -> list[Finding] | Unchecked:
    return consult(all_checks()[name], case)


# their guilty and innocent papers are built ones: tests/papers/test_verify.py
BUILT = {"altered_number", "figure_against_data"}


def test_every_check_has_a_guilty_and_an_innocent_paper() -> None:
    assert set(CASES) | BUILT == set(all_checks())
    assert len(all_checks()) >= 16


def test_every_check_says_in_one_sentence_what_it_finds() -> None:
    for item in all_checks().values():
        assert item.summary.endswith("."), item.name


@pytest.mark.parametrize("name", sorted(CASES))
def test_the_sound_paper_is_innocent(name: str, sound: Case) -> None:
    assert look(name, sound) == []


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_guilty_paper_is_found_with_place_and_fix(name: str, sound: Case) -> None:
    findings = look(name, CASES[name][0](sound))
    assert isinstance(findings, list), findings
    assert findings
    for finding in findings:
        assert finding.check == name
        assert finding.id and finding.where and finding.what and finding.fix


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_near_miss_is_innocent(name: str, sound: Case) -> None:
    assert look(name, CASES[name][1](sound)) == []


CLAIMED = "the evolved merge beats the random one"
MORE_GUILTY: dict[str, tuple[str, Spoil]] = {
    "a number word": ("untraced_number", says("It wins on seven of the tasks.")),
    "a number in a table cell": ("untraced_number", words(("killed (wall)", "killed after 20 s"))),
    "a verdict left out of Holm": ("uncorrected_tests", ledger(only(VerdictLine, family_size=2))),
    "a degraded sandbox": (
        "sandbox_level_misreported",
        lambda case: recorded(case, _each_trial(isolation="landlock (degraded)")),
    ),
    "no verdict at all": ("uncorrected_tests", ledger(without(VerdictLine))),
    "an uncorrected p": ("uncorrected_tests", ledger(only(VerdictLine, p_support_holm=0.0039))),
    "a difference that the evidence does not give": (
        "effect_inconsistent", ledger(only(ComparisonLine, differences=(0.5,) * 8, effect=0.5))),
    "another null effect than planned": (
        "effect_inconsistent", ledger(only(ComparisonLine, null_effect=-0.2))),
    "a plan after its data": ("plan_missing", _late_plan),
    "a plan without a file": ("plan_missing", lambda case: replace(case, plans={})),
    "a ruling against the rule": ("verdict_mismatch", _refuted),
    "a ruling behind a modal word": (
        "verdict_mismatch",
        words(("Supported. The evolved", "The hypothesis is refuted, as might be. The evolved"))),
    "a count of rulings that is not so": (
        "verdict_mismatch", words(("Supported. The evolved", "None refuted. The evolved"))),
    "an overclaim behind a modal word": (
        "overclaim",
        lambda case: saying(case, f"As one might expect, {CLAIMED}.", claims=_open_claim(case))),
    "an ablation behind a modal word": (
        "ablation_not_run", says("If one looks closely, our ablation shows that it matters.")),
    "a claim that its verdict does not earn": ("overclaim", _refuted),
    "a claim that is not in the ledger": ("overclaim", says("It works.", claims=("nowhere",))),
    "a repeated paragraph": (
        "placeholder", lambda case: saying(saying(case, "Again " * 20), "Again " * 20)),
    "an empty paragraph": ("placeholder", says(" ")),
    "a label that stands twice": ("undefined_reference", table("tab:setup", label="tab:main")),
    "a method without its source": (
        "missing_citation", words(("{{citep:ilharco2023editing}}", "widely"))),
    "too few references": (
        "missing_citation", lambda case: replace(case, references=case.references[:6])),
    "an effect quoted from one seed": (
        "one_seed_conclusion", says("It beats the rest with {{at:evolve/largest.ko/test/6|.3f}}.")),
    "equal cost claimed of unequal searches": (
        "unequal_tuning", words(("Supported, with", "Supported, at equal evaluations, with"))),
}  # fmt: skip


@pytest.mark.parametrize("what", sorted(MORE_GUILTY))
def test_is_found_too(what: str, sound: Case) -> None:
    name, spoil = MORE_GUILTY[what]
    findings = look(name, spoil(sound))
    assert isinstance(findings, list), findings
    assert findings


def test_a_degraded_sandbox_that_is_called_so_is_innocent(sound: Case) -> None:
    degraded = recorded(sound, _each_trial(isolation="landlock (degraded)"))
    said = saying(degraded, "The trials ran in a degraded sandbox.", "sec:limitations")
    assert look("sandbox_level_misreported", said) == []


def test_what_an_attribution_or_a_question_says_is_no_claim(sound: Case) -> None:
    text = (
        "{{cite:akiba2025evolutionary}} report that merges outperform their parents. Is the merge "
        "better than its parents? We predict that evolution beats random search. No merge beats it."
    )
    assert look("significance_without_test", saying(sound, text)) == []


def test_what_is_supposed_within_its_own_clause_is_no_claim(sound: Case) -> None:
    text = f"With more seeds, it might turn out that {CLAIMED}. Whether {CLAIMED} stays open."
    assert look("overclaim", saying(sound, text, claims=_open_claim(sound))) == []


@pytest.mark.parametrize(
    "text",
    [
        "{{count:supported|words}} of them are supported, {{count:refuted|words}} refuted.",
        "A hypothesis is refuted when its second test passes.",
        "It would be refuted by a smaller effect, and inconclusive if neither test passes.",
    ],
)
def test_what_counts_rulings_or_says_when_one_is_made_tells_no_ruling(
    text: str, sound: Case
) -> None:
    told = written(sound, ("Supported. The evolved", f"Supported. {text} The evolved"))
    assert look("verdict_mismatch", told) == []


def test_a_quoted_hypothesis_is_no_claim(sound: Case) -> None:
    statement = _first(sound, HypothesisLine).statement
    assert "beats" in statement
    assert look("significance_without_test", saying(sound, statement)) == []


def test_rewriting_needs_the_text_to_be_there(sound: Case) -> None:
    with pytest.raises(AssertionError):
        rewrite(sound.manuscript, ("not in the paper", ""))


@pytest.mark.parametrize(
    ("ticks", "reaches"),
    [
        (["0.0", "0.5", "1.0"], True),
        (["\N{MINUS SIGN}0.2", "0.1"], True),
        (["0.8", "0.9"], False),
        (["\N{MINUS SIGN}0.3", "\N{MINUS SIGN}0.1"], False),
        ([], False),
    ],
)
def test_bars_whose_axis_does_not_show_zero_are_cut(ticks: list[str], reaches: bool) -> None:
    assert _reaches_zero(ticks) is reaches


def test_a_quoted_hypothesis_beside_a_seeds_value_is_no_conclusion(sound: Case) -> None:
    statement = _first(sound, HypothesisLine).statement
    text = f"{statement} Seed six gives {{{{at:evolve/largest.ko/test/6|.3f}}}}."
    assert look("one_seed_conclusion", saying(sound, text)) == []
