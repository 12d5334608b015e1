"""A run that searched architectures: its paper says how, lists what was found, passes review."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.minds.playbook.architectures import searches
from agent.minds.playbook.family import Setting
from papers.manuscript import Figure, Table
from papers.review.finding import Case
from papers.review.panel import review
from sandbox.ledger import Ledger
from sandbox.records import AnyLine, EvidenceLine, TrialLine, short_id
from tests.papers import sample_architecture_run as sample
from tests.papers.review_case import recorded
from tests.papers.test_architecture_paper import again, blocks, drafted, words
from tools.architectures.subject import ArchitectureSuite

pytestmark = pytest.mark.slow

AT = Setting(ArchitectureSuite("quick"), 1)
FOUND = {
    "width": 32,
    "layers": [
        {"mixer": {"block": "retention", "parameters": {"heads": 2}}, "convolution": 3},
        {"mixer": {"block": "softmax_attention"}},
    ],
    "norm_place": "sandwich",
}
PROGRESS = {1: -0.01, 2: 0.12, 5: 0.41, 10: 0.9, 12: 0.96}


def _given(arm: object) -> object:
    """With the training of the sample's other arms."""
    training = {"rates": list(sample.RATES), "steps": 400, "batch": 64}
    return arm.model_copy(update={"arguments": {**arm.arguments, **training}})


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """The sample run with two searches more."""
    evolved, drawn = _given(searches.evolved(AT)), _given(searches.random_search(AT))
    with pytest.MonkeyPatch.context() as patch:
        for arm, mean in ((evolved, 0.98), (drawn, 0.96)):
            made = sample.Made(arm, mean, 0.02, 12_700, 4_200, 30_000)
            patch.setitem(sample.ARMS, arm.name, made)
        asked = ("evolution", "Evolution finds better architectures than random search",
                 evolved.name, drawn.name, 0.0, 0.02, "", "")  # fmt: skip
        patch.setattr(sample, "HYPOTHESES", (*sample.HYPOTHESES, asked))
        case = drafted(*sample.sample_architecture_run(tmp_path_factory.mktemp("a") / "run"))
    return again(_searched(recorded(case, _kept)))


def _kept(line: AnyLine) -> AnyLine:
    found = isinstance(line, TrialLine) and line.tool == "search_architecture"
    return line.model_copy(update={"found": FOUND}) if found else line


def _searched(case: Case) -> Case:
    """With the progress of the searches, as the intake seals it."""
    ledger: Ledger = case.ledger
    for trial in ledger.lines(TrialLine):
        progress = {f"best:{n}": value for n, value in PROGRESS.items()} if trial.found else {}
        for metric, value in ({"evaluations": 12, **progress} if progress else {}).items():
            ledger.append(
                EvidenceLine(
                    id=short_id([trial.id, metric]),
                    metric=metric,
                    task=sample.PRIMARY,
                    split="dev",
                    value=value,
                    unit="count" if metric == "evaluations" else "fraction",
                    items=1,
                    arm=trial.arm,
                    seed=trial.seed,
                    trial=trial.id,
                    code_digest=trial.code_digest,
                    data_digest=trial.data_digest,
                )
            )
    return replace(case, ledger=ledger)


def test_the_review_finds_nothing(paper: Case) -> None:
    assert not review(paper).findings


def test_the_method_says_how_the_grammar_was_searched(paper: Case) -> None:
    method = words(paper, "sec:method")
    assert "Each search trains twelve candidates for 150 steps at a single rate" in method
    assert "Random search draws" in method and "Evolution begins with the same draws" in method
    assert "a surrogate chooses" in method
    assert "Retention lets such a sum decay" in method


def test_what_was_found_stands_seed_by_seed_and_in_words(paper: Case) -> None:
    table = blocks(paper.manuscript, Table)["tab:found"]
    assert len(table.rows) == 2 * len(sample.SEEDS)
    _, seed, _, score = (paper.shown(cell) for cell in table.rows[0])
    assert seed == "0" and float(score) > 0.9
    layers = "convolution 3 > retention(heads=2); softmax_attention"
    assert table.rows[0][2] == f"{{{{code:{layers}, width=32, norm_place=sandwich}}}}"
    told = words(paper, "sec:results")
    assert "mixers, most frequent first, retention, softmax attention" in told
    assert "always with a short convolution" in told


def test_the_progress_of_the_searches_is_drawn(paper: Case) -> None:
    figure = blocks(paper.manuscript, Figure)["fig:search"]
    assert [len(series.x) for series in figure.series] == [len(PROGRESS)] * 2
    assert "training of all their candidates in addition" in words(paper, "sec:discussion")


def test_a_run_without_searches_says_nothing_of_them(tmp_path_factory) -> None:
    folder = tmp_path_factory.mktemp("plain") / "run"
    case = drafted(*sample.sample_architecture_run(folder))
    assert "tab:found" not in blocks(case.manuscript, Table)
    assert "search the grammar" not in words(case, "sec:method")
