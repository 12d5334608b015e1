"""Search the weights of task vectors on a dev split: CMA-ES, random steps, or a tuned grid.

A point has one coefficient for each (parent, part of the model). Evolution and random search begin
with the same small task-arithmetic grid, whose evaluations count, and go on from its best point:
CMA-ES (Hansen 2016, arXiv:1604.00772), or independent Gaussian steps of the same size. The winner
of every strategy is the best point it evaluated on the dev split; the last evaluation of CMA-ES is
spent on its distribution's mean, so that the mean can win.

Everything follows from the seed and the fitness values. A search that is given the journal of an
interrupted one takes the values from it, evaluates only what comes after, and ends with identical
results.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tools.evaluations import Evaluations
from tools.merging.checkpoint import component_of

if TYPE_CHECKING:
    import cma

Point = tuple[float, ...]
Strategy = Literal["evolve", "random", "grid"]
Resolution = Literal["layerwise", "component", "model"]
LOW, HIGH = -0.3, 1.6
START_LOW, START_HIGH = 0.0, 1.5
START_SHARE = 6
"""The start grid takes at most a sixth of the evaluations: 7 x 7 of 300 for two parents."""


@dataclass(frozen=True)
class Space:
    """What a point's coordinates mean: parents one after another, each with a value a part."""

    roles: tuple[str, ...]
    groups: tuple[str, ...]
    resolution: Resolution

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of a model that have a coefficient of their own."""
        components = dict.fromkeys(component_of(group) for group in self.groups)
        return {"layerwise": self.groups, "component": tuple(components), "model": ("model",)}[
            self.resolution
        ]

    @property
    def dimensions(self) -> int:
        """Length of a point."""
        return len(self.roles) * len(self.parts)

    def coefficients(self, point: Point) -> dict[str, dict[str, float]]:
        """Role -> group -> weight."""
        width = len(self.parts)
        named = {
            role: dict(zip(self.parts, point[n * width : (n + 1) * width], strict=True))
            for n, role in enumerate(self.roles)
        }
        return {
            role: {group: values[self._part(group)] for group in self.groups}
            for role, values in named.items()
        }

    def uniform(self, weights: Sequence[float]) -> Point:
        """The point with one weight a parent, equal in all parts."""
        return tuple(weight for weight in weights for _ in self.parts)

    def _part(self, group: str) -> str:
        names = {"layerwise": group, "component": component_of(group), "model": "model"}
        return names[self.resolution]


@dataclass
class Search(Evaluations[Point]):
    """Evaluates points once each, up to a limit, and remembers all."""

    _known: dict[str, float] = field(default_factory=dict)

    def fitness(self, point: Sequence[float]) -> float:
        """The point's fitness; a point seen before costs nothing."""
        rounded = tuple(round(float(value), 6) for value in point)
        key = hashlib.sha256(repr(rounded).encode()).hexdigest()
        if key not in self._known:
            self._known[key] = self.spend(rounded)
        return self._known[key]


def run(
    strategy: Strategy, space: Space, search: Search, seed: int, sigma: float, population: int
) -> Point:
    """Spend the evaluations; the best point seen."""
    if strategy == "grid":
        # Task arithmetic has one weight a parent by definition, whatever the space's resolution.
        _spend_all(search, map(space.uniform, lattice(len(space.roles), search.limit, LOW, HIGH)))
    else:
        start = _start(space, search)
        if strategy == "random":
            _spend_all(search, _around(start, sigma, seed))
        else:
            _evolve(search, start, sigma, population, seed)
    return search.best


def lattice(dimensions: int, most: int, low: float, high: float) -> Iterator[Point]:
    """The finest regular grid of at most `most` points, ends included; at most 41 steps a side."""
    side = max(n for n in range(1, 42) if n**dimensions <= most)
    gap = (high - low) / (side - 1) if side > 1 else 0.0
    values = [round(low + n * gap, 6) for n in range(side)]
    yield from itertools.product(values, repeat=dimensions)


def _start(space: Space, search: Search) -> Point:
    """Evaluate the start grid; its best point, in the space's own resolution."""
    count = len(space.roles)
    most = max(2**count, search.limit // START_SHARE)
    _spend_all(search, map(space.uniform, lattice(count, most, START_LOW, START_HIGH)))
    return search.best


def _spend_all(search: Search, points: Iterator[Point]) -> None:
    for point in points:
        if not search.left:
            return
        search.fitness(point)


def _around(start: Point, sigma: float, seed: int) -> Iterator[Point]:
    """Independent Gaussian steps from `start`, cut at the bounds, without end."""
    import numpy as np

    draw = np.random.default_rng(seed)
    while True:
        step = np.asarray(start) + sigma * draw.standard_normal(len(start))
        yield tuple(float(value) for value in np.clip(step, LOW, HIGH))


def _evolve(search: Search, start: Point, sigma: float, population: int, seed: int) -> None:
    strategy = _strategy(start, sigma, population, seed)
    # Points already seen cost nothing, so generations are bounded too.
    for _ in range(search.limit):
        if search.left <= 1:
            break
        asked = strategy.ask()
        values = []
        for point in asked:
            if search.left <= 1:
                break
            values.append(-search.fitness(point))
        if len(values) == len(asked):
            strategy.tell(asked, values)
    if search.left:
        search.fitness(strategy.result.xfavorite)


def _strategy(start: Point, sigma: float, population: int, seed: int) -> cma.CMAEvolutionStrategy:
    import cma

    # Seed 0 would mean "from the clock" to cma.
    options = {
        "bounds": [LOW, HIGH],
        "popsize": population,
        "seed": seed % (2**31 - 2) + 1,
        "verbose": -9,
    }
    return cma.CMAEvolutionStrategy(list(start), sigma, options)
