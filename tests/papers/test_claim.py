"""Which verbs a tested claim may use."""

from __future__ import annotations

from pathlib import Path

import pytest

from papers.claim import assertions, least_pairs, licence, sentences, unearned
from sandbox.ledger import Ledger
from sandbox.records import ClaimLine, VerdictLine
from tests.papers.sample_run import sample_run


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    return sample_run(tmp_path_factory.mktemp("claims") / "run")[0]


def test_five_pairs_decide_one_test_and_eight_decide_a_family_of_eight() -> None:
    assert least_pairs(0.05, 1) == 5
    assert least_pairs(0.05, 8) == 8


def test_a_supported_verdict_licenses_superiority_and_no_other_does(ledger: Ledger) -> None:
    rulings = {verdict.id: verdict.ruling for verdict in ledger.lines(VerdictLine)}
    for claim in ledger.lines(ClaimLine):
        supported = rulings[claim.verdicts[0]] == "supported"
        assert ("superiority" in licence(ledger, [claim.id])) == supported


def test_a_claim_of_superiority_without_a_verdict_is_unearned(ledger: Ledger) -> None:
    claim = ClaimLine(id="x", claim="superiority", hypothesis="h", sentence="it wins")
    assert "no verdict" in unearned(ledger, claim)


def test_a_refuted_claim_may_not_be_told_as_superiority(ledger: Ledger) -> None:
    refuted = next(v for v in ledger.lines(VerdictLine) if v.ruling == "refuted")
    claim = ClaimLine(
        id="x", claim="superiority", hypothesis="h", sentence="it wins", verdicts=(refuted.id,)
    )
    assert unearned(ledger, claim) == "its verdict is refuted"


def test_equivalence_needs_an_interval_within_the_margin(ledger: Ledger) -> None:
    supported = next(v for v in ledger.lines(VerdictLine) if v.ruling == "supported")
    claim = ClaimLine(
        id="x", claim="equivalence", hypothesis="h", sentence="equal", verdicts=(supported.id,)
    )
    assert "margin" in unearned(ledger, claim)


def test_an_unknown_claim_licenses_description_only(ledger: Ledger) -> None:
    assert licence(ledger, ["nowhere"]) == {"descriptive"}


@pytest.mark.parametrize(
    "text",
    [
        "The merge outperforms its parents.",
        "It is better than random search by {{cmp:x.effect|pp}}.",
        "The gain is significant.",
        "Evolution beats the grid.",
    ],
)
def test_a_comparative_verb_asserts_superiority(text: str) -> None:
    assert [a.kind for a in assertions(text)] == ["superiority"]


@pytest.mark.parametrize(
    "text",
    [
        "The merge reaches {{mean:evolve/t/test|.3f}}.",
        "Does the merge outperform its parents?",
        "We predicted that it beats random search.",
        "The merge does not outperform its parents.",
        "{{cite:akiba2025evolutionary}} find that merges outperform their parents.",
        "It is refuted if the grid is better than evolution.",
    ],
)
def test_description_questions_predictions_and_negations_assert_nothing(text: str) -> None:
    assert assertions(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "The merge beats its parents, as one might expect.",
        "As predicted, the merge beats its parents.",
        "If one looks closely, the merge beats its parents.",
        "There is no doubt that the merge beats its parents.",
        "It must be said that the merge beats its parents.",
        "The merge not only beats its parents.",
        "The gain was not expected, but the merge beats its parents.",
        "The merge (which would surprise many) beats its parents.",
        "The merge beats its parents, whether or not that was the question.",
    ],
)
def test_a_modal_word_outside_of_the_verbs_clause_takes_nothing_back(text: str) -> None:
    assert [a.phrase for a in assertions(text)] == ["beats"]


@pytest.mark.parametrize(
    "text",
    [
        "We expected that the merge (of two experts) beats its parents.",
        "On more seeds, it might turn out that the merge beats its parents.",
        "The merge is close to its parents, and whether it beats them is open.",
        "By {{cmp:x.effect|pp}}, the merge could be better than its parents.",
        "The merge is not better than its parents, nor worse than they are.",
    ],
)
def test_a_modal_word_within_it_does(text: str) -> None:
    assert assertions(text) == []


def test_a_list_is_as_open_as_the_sentence_that_introduces_it() -> None:
    assert assertions("evolution beats the grid;", "We test whether") == []
    assert assertions("evolution beats the grid;", "We test whether (see Table 1):") == []
    assert assertions("evolution beats the grid;", "As one might expect, we found:") != []
    assert assertions("evolution beats the grid;", "We found the following.") != []


def test_abbreviations_and_references_do_not_end_a_sentence() -> None:
    text = "Akiba et al. merged models, e.g. by CMA-ES. {{cite:x}} did so too."
    assert sentences(text) == [
        "Akiba et al. merged models, e.g. by CMA-ES.",
        "{{cite:x}} did so too.",
    ]


def test_the_module_imports_nothing_heavy(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys, papers.claim; "
        "print(sorted(m for m in ('torch', 'scipy', 'matplotlib') if m in sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
