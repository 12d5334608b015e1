"""Search the grammar for an architecture of a given size: by evolution, or at random.

Both begin with the same candidates: those given, then architectures drawn at random from the
grammar. Random search goes on with such draws. Evolution (Real et al. 2019, arXiv:1802.01548) takes
the best of a few members of a population as a parent, mutates it or crosses it with another such,
and replaces the oldest member by the child. A surrogate ranks several children, some of them drawn
at random, and one is trained. Every candidate is brought to the same size first, so that none gains
by size.

Everything follows from the seed and the fitness values. A search that is given the journal of an
interrupted one takes the values from it, trains only what comes after, and ends with identical
results.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, TypeAlias

import numpy as np
import torch

from sandbox.errors import BadInput
from tools.architectures.architecture import Architecture
from tools.architectures.matching import Ruler, match
from tools.architectures.moves import cross, drawn_anew, mutate
from tools.architectures.surrogate import ranked
from tools.evaluations import Evaluations

Strategy: TypeAlias = Literal["evolve", "random"]
MOVES = 2
"""Most moves from layers drawn at random: they change topology and parameters too."""
CROSSED, STRANGERS = 0.25, 0.25
"""Shares of the children that have two parents, and none."""
TRIES = 60
"""Proposals in a row of which none is new and of the size; then the search is over."""


@dataclass(frozen=True)
class Space:
    """What a search may visit: causal architectures of one size and so many layers passed.

    start: the first candidates; draws have the width and topology of one of them. target: in the
    ruler's unit. passes: most layers, loops counted.
    """

    start: tuple[Architecture, ...]
    ruler: Ruler
    target: float
    passes: int

    def sized(self, architecture: Architecture) -> Architecture | None:
        """Brought to the size; None for what has no place here."""
        body = architecture.model_copy(update={"longest": self.ruler.length})
        if body.passes > self.passes or not body.causal:
            return None
        for knob in (None, "width"):
            try:
                with torch.device("meta"):
                    return match(body, self.ruler, self.target, knob).architecture
            except BadInput:
                continue
        return None

    def draw(self, rng: Random) -> Architecture:
        """One at random, of any size."""
        found = drawn_anew(rng.choice(self.start), self.passes, rng)
        for _ in range(rng.randint(0, MOVES)):
            found = mutate(found, rng)
        return found


class Search(Evaluations[Architecture]):
    """Evaluates candidates once each, up to a limit, and remembers all."""

    def knows(self, candidate: Architecture) -> bool:
        """Whether it was evaluated before."""
        return any(candidate == architecture for architecture, _ in self.tried)


@dataclass(frozen=True)
class Breeding:
    """How evolution goes on. population: members. tournament: of which the best is a parent.

    proposals: children that the surrogate ranks before one is trained, 1 for no surrogate.
    """

    population: int = 6
    tournament: int = 3
    proposals: int = 8


def run(
    strategy: Strategy, space: Space, search: Search, seed: int, breeding: Breeding
) -> Architecture:
    """Spend the evaluations; the best candidate.

    Raises BadInput when no start can be brought to the size.
    """
    rng = Random(seed)  # noqa: S311 - a reproducible search, not a secret
    for start in space.start:
        sized = space.sized(start)
        if sized is not None and search.left and not search.knows(sized):
            search.spend(sized)
    if not search.tried:
        raise BadInput(
            f"no start can have {space.target:g} {space.ruler.quantity} in {space.passes} layers",
            "start from another architecture, or match another size",
        )
    _STRATEGIES[strategy](space, search, rng, breeding)
    return search.best


def _at_random(space: Space, search: Search, rng: Random, breeding: Breeding) -> None:
    _draws(space, search, rng, search.left)


def _evolve(space: Space, search: Search, rng: Random, breeding: Breeding) -> None:
    _draws(space, search, rng, breeding.population - len(search.tried))
    alive = deque(search.tried, maxlen=breeding.population)
    draw = np.random.default_rng(rng.getrandbits(64))
    while search.left:
        child = _child(space, search, list(alive), rng, draw, breeding)
        if child is None:
            return
        alive.append((child, search.spend(child)))


def _draws(space: Space, search: Search, rng: Random, count: int) -> None:
    for _ in range(min(count, search.left)):
        found = (space.sized(space.draw(rng)) for _ in range(TRIES))
        new = next((one for one in found if one is not None and not search.knows(one)), None)
        if new is None:
            return
        search.spend(new)


def _child(
    space: Space,
    search: Search,
    alive: Sequence[tuple[Architecture, float]],
    rng: Random,
    draw: np.random.Generator,
    breeding: Breeding,
) -> Architecture | None:
    """The most promising child that is new and of the size; None when none was found."""
    for _ in range(TRIES):
        children = [_bred(space, alive, rng, breeding) for _ in range(breeding.proposals)]
        if breeding.proposals > 1:
            children = ranked(search.tried, children, draw)
        sized = (space.sized(child) for child in children)
        new = next((one for one in sized if one is not None and not search.knows(one)), None)
        if new is not None:
            return new
    return None


def _bred(
    space: Space, alive: Sequence[tuple[Architecture, float]], rng: Random, breeding: Breeding
) -> Architecture:
    chance = rng.random()
    if chance < STRANGERS:
        return space.draw(rng)
    parent = _parent(alive, rng, breeding)
    if chance < STRANGERS + CROSSED:
        crossed = cross(parent, _parent(alive, rng, breeding), rng)
        if crossed != parent:
            return crossed
    return mutate(parent, rng)


def _parent(
    alive: Sequence[tuple[Architecture, float]], rng: Random, breeding: Breeding
) -> Architecture:
    """The best of a few members drawn at random."""
    drawn = rng.sample(alive, min(breeding.tournament, len(alive)))
    return max(drawn, key=lambda one: one[1])[0]


_STRATEGIES: Mapping[Strategy, Callable[[Space, Search, Random, Breeding], None]] = {
    "evolve": _evolve,
    "random": _at_random,
}
