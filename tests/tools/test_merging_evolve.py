"""Searches: equal budgets, determinism, resuming after every evaluation."""

import math
from collections.abc import Callable

import pytest

from sandbox.errors import BadInput
from tools.merging.evolve import HIGH, LOW, Point, Search, Space, lattice, run
from tools.trial import SearchPoint

GROUPS = ("layers.0.attention", "layers.0.mlp", "layers.1.attention", "layers.1.mlp", "rest")
STRATEGIES = ("evolve", "random", "grid")


def hill(point: Point) -> float:
    """Highest at 0.7 everywhere, with a ripple."""
    return -sum((x - 0.7) ** 2 for x in point) + 0.01 * math.sin(40 * sum(point))


def search(
    strategy: str,
    limit: int = 90,
    seed: int = 4,
    journal: tuple[SearchPoint, ...] = (),
    evaluate: Callable[[Point], float] = hill,
    resolution: str = "layerwise",
) -> tuple[Point, Search]:
    space = Space(("a", "b"), GROUPS, resolution)  # type: ignore[arg-type]
    seeker = Search(evaluate, limit, journal)
    return run(strategy, space, seeker, seed, 0.25, 12), seeker  # type: ignore[arg-type]


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("resolution", ["layerwise", "component", "model"])
def test_a_search_never_spends_more_than_its_limit_and_stays_within_bounds(
    strategy: str, resolution: str
) -> None:
    seen: list[Point] = []

    def watch(point: Point) -> float:
        seen.append(point)
        return hill(point)

    best, seeker = search(strategy, 90, evaluate=watch, resolution=resolution)
    assert len(seen) == len(set(seen)) == len(seeker.history)
    expected = {"evolve": 90, "random": 90, "grid": 81}[strategy]
    assert len(seen) == expected
    assert all(LOW <= x <= HIGH for point in seen for x in point)
    assert hill(best) == max(map(hill, seen)) == seeker.history[-1].best


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("done", [1, 9, 17, 60, 90])
def test_a_search_interrupted_after_any_evaluation_ends_with_identical_results(
    strategy: str, done: int
) -> None:
    best, whole = search(strategy)
    fresh: list[Point] = []

    def count(point: Point) -> float:
        fresh.append(point)
        return hill(point)

    journal = tuple(whole.history[:done])
    again, resumed = search(strategy, journal=journal, evaluate=count)
    assert again == best
    assert resumed.history == whole.history
    assert len(fresh) == max(0, len(whole.history) - done)


def test_searches_differ_by_seed_but_not_from_run_to_run() -> None:
    assert search("evolve", seed=1)[0] == search("evolve", seed=1)[0]
    assert search("evolve", seed=1)[1].history != search("evolve", seed=2)[1].history


def test_evolution_and_random_search_begin_with_the_same_grid() -> None:
    evolved, drawn = search("evolve")[1].history, search("random")[1].history
    assert evolved[:9] == drawn[:9]
    assert evolved[9:] != drawn[9:]


def test_evolution_beats_random_steps_on_a_smooth_hill() -> None:
    wins = [
        hill(search("evolve", 200, seed)[0]) > hill(search("random", 200, seed)[0])
        for seed in range(5)
    ]
    assert all(wins)


def test_a_flat_landscape_does_not_stop_or_hang_a_search() -> None:
    for strategy in STRATEGIES:
        assert len(search(strategy, 60, evaluate=lambda point: 0.0)[1].history) in (49, 60)


def test_a_point_seen_before_costs_nothing() -> None:
    seeker = Search(hill, 2)
    assert seeker.fitness((0.5, 0.5)) == seeker.fitness((0.5, 0.5 + 1e-9))
    assert seeker.left == 1


def test_every_evaluation_is_noted_also_those_taken_from_the_journal() -> None:
    _, whole = search("random", 20)
    noted: list[SearchPoint] = []
    seeker = Search(hill, 20, tuple(whole.history[:10]), noted.append)
    run("random", Space(("a", "b"), GROUPS, "layerwise"), seeker, 4, 0.25, 12)
    assert noted == whole.history


def test_a_journal_with_a_gap_is_refused() -> None:
    seeker = Search(hill, 5, (SearchPoint(evaluation=2, fitness=0.0, best=0.0),))
    with pytest.raises(BadInput, match="line 1 is evaluation 2"):
        seeker.fitness((0.0,))


def test_coefficients_name_every_group_at_any_resolution() -> None:
    roles = ("a", "b")
    by_layer = Space(roles, GROUPS, "layerwise")
    assert by_layer.dimensions == 10
    point = tuple(float(n) for n in range(10))
    assert by_layer.coefficients(point)["b"]["layers.0.attention"] == 5.0
    by_part = Space(roles, GROUPS, "component")
    assert by_part.parts == ("attention", "mlp", "rest")
    found = by_part.coefficients((1.0, 2.0, 3.0, 4.0, 5.0, 6.0))
    assert found["a"] == dict(zip(GROUPS, (1.0, 2.0, 1.0, 2.0, 3.0), strict=True))
    by_model = Space(roles, GROUPS, "model")
    assert set(by_model.coefficients((0.5, 0.25))["b"].values()) == {0.25}
    assert by_part.uniform((0.5, 0.25)) == (0.5, 0.5, 0.5, 0.25, 0.25, 0.25)


def test_the_grid_is_the_finest_that_fits_and_holds_both_ends() -> None:
    points = list(lattice(2, 300, LOW, HIGH))
    assert len(points) == 17 * 17
    assert points[0] == (LOW, LOW)
    assert points[-1] == (HIGH, HIGH)
    assert len(list(lattice(3, 50, 0.0, 1.5))) == 27
