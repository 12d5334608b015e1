"""Searches of the grammar: equal budgets and sizes, determinism, resuming, a useful surrogate."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from sandbox.errors import BadInput, OutputRejected
from sandbox.ledger import Ledger
from sandbox.records import TrialLine
from tests.tools.architectures.small_recall import SIZE, attention
from tests.tools.architectures.test_train_architecture import SMALL, view_of
from tests.tools.small_world import (
    TOOLS,
    SmallSubject,
    ThreadExecutor,
    evaluate,
    open_ledger,
    plan,
    shop,
)
from tools.actions.search_architecture import SearchArchitectureArguments, search_architecture
from tools.architectures.architecture import Architecture
from tools.architectures.evolution import Breeding, Search, Space, run
from tools.architectures.hand_made import hand_made
from tools.architectures.matching import TOLERANCE, Ruler
from tools.architectures.surrogate import features, ranked
from tools.bench import Bench
from tools.conduct import conduct
from tools.freeze import freeze
from tools.result_file import _check_found
from tools.tool import find_tool
from tools.trial import SearchPoint, TrialResult

PLAIN = Architecture.model_validate(
    {"width": 20, "layers": [{"mixer": {"block": "linear_attention"}}]}
)
RULER = Ruler("parameters", SIZE.vocabulary, SIZE.length)
TARGET = RULER.measure(PLAIN)
BREEDING = Breeding(population=4, tournament=2, proposals=4)
LIMIT = 7


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def convolved(architecture: Architecture) -> float:
    """A fitness without training: short convolutions, and a little for few layers."""
    shares = [layer.convolution > 0 for layer in architecture.layers]
    return sum(shares) / len(shares) - 0.01 * len(shares)


def space(passes: int = 2, target: float = TARGET) -> Space:
    return Space((PLAIN,), RULER, target, passes)


def search(strategy, limit=LIMIT, seed=3, journal=(), evaluate=convolved, breeding=BREEDING):
    seeker = Search(evaluate, limit, journal)
    return run(strategy, space(), seeker, seed, breeding), seeker


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["evolve", "random"])
def test_every_candidate_is_new_causal_of_the_size_and_within_the_depth(strategy):
    best, seeker = search(strategy)
    tried = [architecture for architecture, _ in seeker.tried]
    assert len(tried) == LIMIT == len({one.id for one in tried})
    for one in tried:
        assert one.causal
        assert one.passes <= 2
        assert abs(RULER.measure(one) / TARGET - 1.0) <= TOLERANCE
    assert convolved(best) == max(map(convolved, tried)) == seeker.history[-1].best


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["evolve", "random"])
@pytest.mark.parametrize("done", [1, 5])
def test_a_search_interrupted_after_any_evaluation_ends_with_identical_results(strategy, done):
    best, whole = search(strategy)
    fresh = []

    def count(architecture):
        fresh.append(architecture)
        return convolved(architecture)

    again, resumed = search(strategy, journal=tuple(whole.history[:done]), evaluate=count)
    assert again == best
    assert resumed.history == whole.history
    assert resumed.tried == whole.tried
    assert len(fresh) == LIMIT - done


@pytest.mark.slow
def test_both_searches_begin_with_the_start_and_the_same_draws():
    evolved, drawn = (search(strategy)[1].tried for strategy in ("evolve", "random"))
    assert evolved[: BREEDING.population] == drawn[: BREEDING.population]
    assert evolved[BREEDING.population :] != drawn[BREEDING.population :]
    assert evolved[0][0].layers == space().sized(PLAIN).layers
    assert [one for one, _ in search("evolve", seed=4)[1].tried] != [one for one, _ in evolved]


@pytest.mark.slow
def test_a_start_that_cannot_have_the_size_is_refused():
    with pytest.raises(BadInput, match="no start can have 50 parameters in 2 layers"):
        run("random", space(target=50.0), Search(convolved, 4), 0, BREEDING)


def test_a_journal_with_a_gap_is_refused():
    journal = (SearchPoint(evaluation=2, fitness=0.5, best=0.5),)
    with pytest.raises(BadInput, match="line 1 is evaluation 2"):
        Search(convolved, 4, journal).spend(PLAIN)


def test_the_surrogate_ranks_by_what_did_well():
    with_, without = attention(16, layers=1), attention(16, layers=1, convolution=0)
    tried = [(attention(16, n, c), float(c > 0)) for n in (2, 3) for c in (0, 2)]
    draws = [ranked(tried, [without, with_], np.random.default_rng(s)) for s in range(20)]
    assert sum(first == with_ for first, _ in draws) >= 18
    assert ranked(tried, [without, with_], np.random.default_rng(0)) == draws[0]


def test_the_surrogate_does_not_give_up_what_was_never_tried():
    unseen = Architecture.model_validate({"layers": [{"mixer": {"block": "retention"}}]})
    good = attention(16, layers=1)
    tried = [(good, 1.0), (PLAIN, 0.0), (attention(16, layers=2), 1.0)]
    draws = [ranked(tried, [good, unseen], np.random.default_rng(s)) for s in range(40)]
    assert 0 < sum(first == unseen for first, _ in draws) < 20


def test_features_name_the_parts_of_every_layer():
    found = features(attention(16, layers=2))
    assert found["softmax_attention"] == found["convolved softmax_attention"] == 1.0
    assert found["first channel none"] == 1.0
    assert "convolved linear_attention" not in features(PLAIN)


ROOMY = Architecture.model_validate(
    {
        "width": 16,
        "layers": [{"mixer": {"block": "linear_attention"}, "channel": {"block": "glu"}}],
    }
)
CALL = {
    "task": "mqar",
    "changes": SMALL,
    "rates": [1e-3, 5e-3, 1e-2],
    "steps": 20,
    "batch": 32,
    "start": [ROOMY.model_dump(mode="json")],
    "match": {"quantity": "parameters", "target": 6000.0},
    "evaluations": 3,
    "search_steps": 5,
    "population": 2,
    "passes": 1,
    "proposals": 2,
}


def call(folder, journal=(), note=lambda point: None, **changes):
    arguments = SearchArchitectureArguments.model_validate(CALL | changes)
    view = view_of("mqar", SMALL, 1)
    bench = Bench(1, {}, {"mqar": view, "multi_hop_recall": view}, folder, journal, note)
    return search_architecture(arguments, bench)


@pytest.mark.slow
def test_a_trial_answers_with_the_best_and_keeps_it_as_data(tmp_path):
    printed: list[SearchPoint] = []
    result = call(tmp_path, note=printed.append)
    assert result.search == printed and result.evaluations == 3
    assert len(result.predictions["mqar"]["test"]) == 24
    assert result.measures["rates_tried"] == 3
    found = Architecture.model_validate(result.found)
    assert found.causal and found.passes == 1
    kept = next(note for note in result.notes if note.startswith("found "))
    assert Architecture.model_validate_json(kept.removeprefix("found ")) == found
    resumed = call(tmp_path, journal=tuple(printed[:2]))
    assert resumed.found == result.found
    assert resumed.predictions == result.predictions
    assert resumed.search == result.search
    _check_found(TrialResult.model_validate_json(result.model_dump_json()))


def test_no_search_sees_the_task_that_is_held_back(tmp_path):
    with pytest.raises(BadInput, match="held back from every search"):
        call(tmp_path, task="multi_hop_recall", changes={})


@pytest.mark.slow
def test_what_was_found_on_a_task_is_confirmed_on_the_task_held_back(tmp_path):
    view = view_of("multi_hop_recall", {"train": 64, "dev": 8, "test": 8}, 1)
    changes = {"train": 64, "dev": 8, "test": 8}
    asked = {"task": "multi_hop_recall", "search_task": "mqar", "changes": changes}
    arguments = SearchArchitectureArguments.model_validate(
        CALL | asked | {"steps": 2, "search_steps": 1, "evaluations": 2, "strategy": "random"}
    )
    result = search_architecture(arguments, Bench(1, {}, {"multi_hop_recall": view}, tmp_path))
    assert set(result.predictions) == {"multi_hop_recall"}
    assert any("resized for the task" in note for note in result.notes)


@pytest.mark.parametrize(
    "found",
    [
        {"layers": []},
        {"layers": [{"mixer": {"block": "}} \\input{x}"}}]},
        {"layers": [{"mixer": {"block": "glu", "parameters": {"expansion": [1]}}}]},
        {"layers": [{"mixer": {"block": "glu", "parameters": {"expansion": "1 }}"}}}]},
    ],
)
def test_a_found_architecture_is_read_as_hostile(found):
    with pytest.raises(OutputRejected, match="found"):
        _check_found(TrialResult(found=found))


def test_what_was_found_is_kept_in_the_ledger(tmp_path, monkeypatch, small_tools):
    body = PLAIN.model_dump(mode="json")

    def finds(arguments, bench):
        """Evaluate, and report an architecture."""
        return evaluate(arguments, bench).model_copy(update={"found": body})

    monkeypatch.setitem(TOOLS, "evaluate", replace(TOOLS["evaluate"], function=finds))
    subject, ledger, experiment = SmallSubject(), open_ledger(tmp_path), plan()
    freeze(experiment, subject, ledger, tmp_path)
    conduct([experiment], subject, shop(tmp_path, ledger, ThreadExecutor()))
    trials = Ledger(ledger.path).lines(TrialLine)
    assert {t.tool for t in trials if t.found} == {"evaluate"}
    assert all(t.found == body for t in trials if t.tool == "evaluate")


def test_the_searches_and_the_hand_made_say_what_they_are():
    tool = find_tool("search_architecture")
    assert tool.stands_for(CALL) == "architecture-evolution"
    assert tool.stands_for(CALL | {"strategy": "random"}) == "architecture-random-search"
    assert tool.cost_s(CALL | {"evaluations": 8}) > tool.cost_s(CALL)
    assert hand_made(attention(16)) == "attention-conv"
    assert hand_made(attention(16, convolution=0)) == hand_made(PLAIN) == ""
    trains = find_tool("train_architecture")
    body = attention(16).model_dump(mode="json")
    assert trains.stands_for({"architecture": body, "task": "mqar"}) == "attention-conv"
